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
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from safebasin.errors import RequestError
from safebasin.lease import leased, show_only
from safebasin.out_of_memory import memory_watched
from safebasin.progress import SILENT, Progress
from safebasin.steps.job import Job
from safebasin.store.code_identity import CodeBook, is_plugin
from safebasin.store.kinds import RULES, rule_of_code
from safebasin.store.publish import publish
from safebasin.store.receipts import write_receipt
from safebasin.store.spec import Spec
from safebasin.store.store import Store

VERSIONED = (
    "safebasin", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors",
    "huggingface-hub", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "matplotlib",
)  # fmt: skip


ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads make shared cores many times slower
    "TOKENIZERS_PARALLELISM": "false",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""Set for a step, unless the user did, before torch and transformers are imported."""

COLLECTED = (200_000, 10, 1000)
"""How seldom a step looks for reference cycles. Importing transformers makes a million objects that
stay, and looking through them at Python's usual rate is a fifth of the time until a model is there.
"""

FETCHES = frozenset({"fetch_source"})
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""What only a step that fetches may see."""


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
        MachineLacks: a granted GPU is not there, or memory ran out.
    """
    spec, store = request.spec, request.store
    rule = RULES.get(request.step)
    if rule is None or rule.kind != spec.kind:
        raise RequestError(f"{request.step} does not make a {spec.kind}")
    note = request.progress.note
    with store.lock(spec.digest, lambda: note(f"{spec.digest} is being made by another process")):
        found = store.find(spec)
        if found is None:
            _check_code(request.step, spec)
            _work(request)
        if request.receipt is not None:
            write_receipt(store, spec.kind, spec.digest, request.receipt)
    note(f"{spec.kind} {spec.digest} {'was in the store' if found else 'is published'}")
    return found is None


def _work(request: Request) -> None:
    spec, store = request.spec, request.store
    inputs = _inputs(request)
    folder = store.scratch(spec.digest)
    resumed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    _set_environment(request.step)
    gc.set_threshold(*COLLECTED)
    watched = memory_watched(request.step, spec.digest, spec.params, request.gpus)
    with watched, _own_gpus(request) as device:
        step = importlib.import_module(f"safebasin.steps.{request.step}")
        step.run(
            Job(
                digest=spec.digest,
                raw_params=spec.params,
                inputs=inputs,
                folder=folder,
                device=device,
                origin=request.origin,
                wanted=request.wanted,
                progress=request.progress,
            )
        )
        annotation = _annotate(request, time.monotonic() - began, resumed)
    publish(store, spec, step.FILES, annotation)


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


def _set_environment(step: str) -> None:
    """Keep every step but those that fetch off the network, and the user's token from it."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if step not in FETCHES:
        os.environ.update(OFFLINE)
        for name in SECRETS:
            os.environ.pop(name, None)


def _inputs(request: Request) -> dict[str, Path]:
    rule, folders = RULES[request.step], {}
    for role, digest in request.spec.inputs.items():
        kind = rule.kind_of(role)
        if not request.store.holds(kind, digest):
            raise RequestError(
                f"{request.step} {request.spec.digest}: its input {role} ({kind} {digest}) "
                f"is not in {request.store.root}"
            )
        folders[role] = request.store.home(kind, digest)
    return folders


def _check_code(step: str, spec: Spec) -> None:
    """Refuse to run other code than the spec names: the store would lie."""
    if spec.code is None:
        return
    parts = [_part_of(unit, spec.params) for unit in spec.code.split(",")]
    now = CodeBook().identity(rule_of_code(spec.code), ",".join(filter(None, parts)) or None)
    if spec.code != now:
        raise RequestError(
            f"{step} {spec.digest}: the plan was made with the code {spec.code}, the code is now "
            f"{now}; start snakemake again"
        )


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
        if isinstance(told, str) and is_plugin(told):
            return told
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
