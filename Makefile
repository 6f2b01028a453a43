# make study   set up, run the default study     make test        set up, run the tests
# make demo    set up, run the smoke study       make test-more   every family and form, free draws,
# make bench   measure the README's figures                       a real Slurm, a real browser

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
CORES ?= $(shell nproc)
LOCK := $(if $(PYTHON),$(shell sh envs/choose_lock.sh $(PYTHON)))
# Asked only where pip's own index has no CPU build of torch.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := .venv/bin
FAMILIES := $(wildcard tests/families)
# Progress bars in a terminal, plain lines elsewhere.
BARS = $$(test -t 2 && echo --logger rich)

export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: study demo setup test test-unit test-more test-free test-browser test-gpu test-slurm test-studies \
	collect lint types bench locks schema clean

study: setup
	$(BIN)/safebasin unlock
	$(BIN)/snakemake --cores $(CORES) $(BARS)
	@echo "open results/default/report.html"

demo: setup
	$(BIN)/safebasin unlock
	$(BIN)/snakemake --cores $(CORES) --configfile studies/smoke.yaml $(BARS)
	@echo "open results/smoke/report.html (its numbers mean nothing)"

setup: .venv/.ready

.venv/.ready: $(LOCK) pyproject.toml envs/choose_lock.sh
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found (set PYTHON=...)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --require-hashes -r $(LOCK) \
	|| $(BIN)/python -m pip install --quiet --upgrade --require-hashes -r $(LOCK) --extra-index-url $(TORCH_CPU_INDEX)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules

types: setup
	$(BIN)/mypy

# A small member of everything, with the same draws each time, in under 10 minutes on two cores. Lint
# and type check run beside the unit tests. What follows shares one finished smoke study; tests of
# one file share a folder, so they stay in one process.
test: setup
	$(MAKE) --jobs=2 lint types collect test-unit
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/dag tests/e2e

test-unit: setup
	$(BIN)/python -m pytest -n 2 tests/unit $(FAMILIES)

# Tests that are run elsewhere or later must be importable here too.
collect: setup
	$(BIN)/python -m pytest -qq --collect-only -m "" tests/gpu tests/slurm tests/studies tests/browser

# What `make test` has no time for. Those on Slurm wait most of the time.
test-more: setup
	$(MAKE) --jobs=2 --output-sync=target test-slurm test-free
	$(MAKE) test-browser
	$(BIN)/python -m pytest -n 2 --dist loadfile -m more tests/dag tests/e2e

# Ten times as many examples, other ones in each run, and every family and form.
test-free: setup
	SAFEBASIN_DRAWS=free $(BIN)/python -m pytest -n 2 -m "more or hypothesis" tests/unit $(FAMILIES)

# Skips, with the reason, where no browser is.
test-browser: setup
	$(BIN)/python -m pytest tests/browser

# Skips, with the reason, where no CUDA device is.
test-gpu: setup
	$(BIN)/python -m pytest tests/gpu

# Every study of studies/ at its smallest, on a tiny model; fetches their sources. Takes hours on
# 2 cores; one of them: .venv/bin/python -m pytest tests/studies -k NAME
test-studies: setup
	$(BIN)/python -m pytest tests/studies

# On a Slurm of its own, which it starts on this machine and stops again; SHORT=1 leaves methods out.
test-slurm: setup
	@sh tests/slurm/install.sh
	SHORT=$(SHORT) $(BIN)/python -m pytest tests/slurm

# The model's figures are taken on the default study's checkpoints, once `make study` has made them.
bench: setup
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python benchmarks/penalty.py
	$(BIN)/python benchmarks/direction.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/generation.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/agents.py

# Both locks from one list of requirements (needs uv: pip install uv).
locks:
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header \
	  --no-annotate --quiet --allow-unsafe --upgrade envs/requirements.in -o envs/cuda.lock
	uv pip compile --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-header \
	  --no-annotate --quiet --allow-unsafe --upgrade $(UV_CPU_FLAGS) envs/requirements.in -c envs/cuda.lock -o envs/cpu.lock

schema: setup
	$(BIN)/safebasin schema > workflow_scripts/safebasin/study/study.schema.json

clean:
	rm -rf .venv .snakemake receipts logs
