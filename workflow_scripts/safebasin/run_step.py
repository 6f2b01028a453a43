"""Running one step: lock, look, work, publish, leave a receipt.

Nothing heavy is imported before it is known that there is work to do.
"""

from __future__ import annotations

import gc
import importlib
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from safebasin.disk_faults import disk_faults_told
from safebasin.errors import RequestError
from safebasin.lease import leased, show_only
from safebasin.out_of_memory import memory_watched
from safebasin.progress import SILENT, Progress
from safebasin.resume.durable import discard
from safebasin.resume.place import state_of
from safebasin.staging import staged
from safebasin.step_environment import hide_secrets
from safebasin.steps.job import Job
from safebasin.store.begun import begin, end
from safebasin.store.code_identity import CodeBook
from safebasin.store.hash_memory import HashMemory, memory_file, now_at
from safebasin.store.inputs import check_inputs
from safebasin.store.kinds import RULES, rule_of_code
from safebasin.store.places import check_places
from safebasin.store.plugin_closure import Plugin
from safebasin.store.plugin_part import is_plugin, plugin_part, plugin_reference
from safebasin.store.publish import publish
from safebasin.store.receipts import write_receipt
from safebasin.store.redo import answer
from safebasin.store.replace import put_back
from safebasin.store.sharing import shared_as
from safebasin.store.spec import Spec
from safebasin.store.standing import standing
from safebasin.store.store import Store

VERSIONED = (
    "safebasin", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors",
    "huggingface-hub", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "matplotlib",
)  # fmt: skip


ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads make shared cores many times slower
    "TOKENIZERS_PARALLELISM": "false",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "PYTHONSAFEPATH": "1",  # of a Python that is started by something that a step loads
}
"""Set for a step, unless the user did, before torch and transformers are imported."""

COLLECTED = (200_000, 10, 1000)
"""How seldom a step looks for reference cycles. Importing transformers makes a million objects that
stay, and looking through them at Python's usual rate is a fifth of the time until a model is there.
"""

FETCHES = frozenset({"fetch_source"})
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks of one step."""

    step: str
    spec: Spec
    store: Store
    receipt: Path | None = None
    device: str = "auto"
    gpus: int = 0
    """GPUs that were granted: the step leases so many, and fails where it does not see them,
    unless it is told to compute on the CPU."""
    origin: Mapping[str, str] = field(default_factory=dict)
    wanted: Sequence[Mapping[str, object]] = ()
    progress: Progress = SILENT


def run_step(request: Request) -> bool:
    """Make the artifact unless it is there; say whether there was work to do.

    Raises:
        RequestError: the step does not make such a thing, an input is not in the store, or the
            code is no longer the one that was planned with.
        DamagedInput: an input is not what was written, or what is there was made from other bytes.
        MachineLacks: a granted GPU is not there, memory or the disk ran out, or the store cannot be
            written.
    """
    request = replace(request, store=Store(request.store.root.absolute()))
    spec, store = request.spec, request.store
    rule = RULES.get(request.step)
    if rule is None or rule.kind != spec.kind:
        raise RequestError(f"{request.step} does not make a {spec.kind}")
    note = request.progress.note

    def waiting() -> None:
        note(f"{spec.digest} is being made by another process")

    with disk_faults_told(store.root):
        check_places(store, spec.kind)
        found = standing(store, spec, lambda _: None)
        if found is None:
            with shared_as(store.root), store.lock(spec.digest, waiting):
                put_back(store, store.home(spec.kind, spec.digest))
                found = standing(store, spec, note)
                if found is None:
                    _work(request, _check_code(request.step, spec))
                discard(state_of(store.scratch(spec.digest)))
    if request.receipt is not None:
        with disk_faults_told(request.receipt.parent):
            write_receipt(store, spec.kind, spec.digest, request.receipt)
    note(f"{spec.kind} {spec.digest} {'was in the store' if found else 'is published'}")
    return found is None


def _work(request: Request, plugin: Plugin | None) -> None:
    spec, store = request.spec, request.store
    memory = HashMemory(memory_file(), now_at(store.root / ".locks"))
    kind_of, name = RULES[request.step].kind_of, f"{request.step} {spec.digest}"
    inputs = check_inputs(store, spec, kind_of, memory, name)
    memory.save()
    if begin(store, spec.digest, inputs.manifests):
        request.progress.note(f"{name} was begun from other bytes, so it begins anew")
    folder = store.scratch(spec.digest)
    resumed = state_of(folder).is_dir()
    if not resumed:
        discard(state_of(folder))
    discard(folder)  # files that a killed try finished are made again, from its state
    folder.mkdir(parents=True)
    began = time.monotonic()
    _set_environment(request.step, spec.params)
    gc.set_threshold(*COLLECTED)
    watched = memory_watched(request.step, spec.digest, spec.params, request.gpus)
    with watched, _own_gpus(request) as device:
        step = importlib.import_module(f"safebasin.steps.{request.step}")
        job = Job(
            digest=spec.digest,
            raw_params=spec.params,
            inputs=inputs.folders,
            folder=folder,
            device=device,
            origin=request.origin,
            wanted=request.wanted,
            progress=request.progress,
        )
        reference = plugin_reference(_plugin_of(spec.params) or "")
        with staged(plugin, reference, folder.with_suffix(".plugin")):
            step.run(job)
        annotation = _annotate(request, time.monotonic() - began, resumed)
    inputs.confirm(store, memory)
    answer(store, publish(store, spec, step.FILES, annotation, inputs.manifests))
    end(store, spec.digest)


@contextmanager
def _own_gpus(request: Request) -> Iterator[str]:
    """Let the step see the GPUs that it was granted and no others; yield the device to run on.

    A step that runs no model, or is told to run it on the CPU, sees none: it would hold memory of
    one that another job has leased.

    Raises:
        MachineLacks: it was granted GPUs that are not there.
    """
    note = request.progress.note
    if request.device == "cpu" or not RULES[request.step].gpu:
        if request.gpus:
            note(f"device cpu was asked for: {request.gpus} granted GPU(s) stay idle")
        with show_only([]):
            yield "cpu"
    elif request.gpus:
        with leased(request.gpus, note):
            yield "cuda" if request.gpus == 1 else "cuda:all"
    else:
        yield request.device


def _set_environment(step: str, params: Mapping[str, object]) -> None:
    """Keep every step but those that fetch off the network, and secrets from those without need."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if step not in FETCHES:
        os.environ.update(OFFLINE)
    hide_secrets(step, params)


def _check_code(step: str, spec: Spec) -> Plugin | None:
    """Refuse to run other code than the spec names: the store would lie; return its plug-in."""
    if spec.code is None:
        return None
    book, plugin = CodeBook(), None
    parts = [_part_of(unit, spec.params) for unit in spec.code.split(",")]
    now = book.identity(rule_of_code(spec.code), ",".join(filter(None, parts)) or None)
    if spec.code != now:
        raise RequestError(
            f"{step} {spec.digest}: the plan was made with the code {spec.code}, the code is now "
            f"{now}; start snakemake again"
        )
    for part in parts:
        if part is not None and is_plugin(part):
            plugin = book.plugin(part)
    return plugin


def _part_of(unit: str, params: Mapping[str, object]) -> str | None:
    """Return the part that plugs into the step, of one unit of its code."""
    if "+plugin." in unit:
        return _plugin_of(params)
    return unit.split("/", 1)[0].partition(":")[2] or None


def _plugin_of(params: Mapping[str, object]) -> str | None:
    """Return the plugin that the params name as the type of a method, judge, reader or guard."""
    for key in ("method", "judge", "reader", "guard"):
        value = params.get(key)
        told = value.get("type") if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and isinstance(told, str) and is_plugin(told):
            return plugin_part(told, value.get("files"))
    return None


def _annotate(request: Request, seconds: float, resumed: bool) -> dict[str, object]:
    """Return how the run went: never an input, never part of a digest."""
    return {
        "seconds": round(seconds, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "resumed": resumed,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **_device(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": _processor(),
        "versions": {name: _version(name) for name in VERSIONED if _version(name)},
        "modules": sorted(name for name in sys.modules if name.split(".")[0] == "safebasin"),
    }


def _device() -> dict[str, object]:
    """Return the name of each GPU that was used and the most memory tensors took there, or CPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {"device": "cpu"}
    peaks = {gpu: torch.cuda.max_memory_allocated(gpu) for gpu in range(torch.cuda.device_count())}
    used = [torch.cuda.get_device_name(gpu) for gpu, peak in peaks.items() if peak]
    return {"device": ", ".join(used), "peak_gpu_memory_mb": sum(peaks.values()) // 2**20}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
