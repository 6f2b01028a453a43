"""Seconds that a job spends before its first useful step: imports, model, tokenizer, adapter.

    python benchmarks/startup.py

The model is the default study's (`make study`), or that of --checkpoint FOLDER. Each case is a
fresh process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from default_study import ALIGNED, artifact
from machine import write_result

LOAD = (
    "import torch; from pathlib import Path; from safebasin.models.load import load_model; "
    "loaded = load_model(Path({folder!r}), device=torch.device('cpu'), precision='float32')"
)
ADAPT = (
    "; from safebasin.tuning.adapter import add_adapter; from safebasin.tuning.training import Lora"
    "; from accelerate import Accelerator"
    "; add_adapter(loaded.model, Lora(rank=8, alpha=16, targets=['q_proj', 'v_proj']))"
)
CASES = {
    "python": "pass",
    "torch": "import torch",
    "transformers (model classes)": "import transformers.models.llama.modeling_llama",
    "peft": "import peft",
    "accelerate": "import accelerate",
    "step generate_responses, imports only": "import safebasin.steps.generate_responses",
    "step tune_adapter, imports only": "import safebasin.steps.tune_adapter",
    "step judge_responses, imports only": "import safebasin.steps.judge_responses",
    "a generating job, to the loaded model": LOAD,
    "a tuning job, to the first step": LOAD + ADAPT,
}
FRAME = """
import json, time, sys
wall, cpu = time.perf_counter(), time.process_time()
{code}
print(json.dumps({{
    "wall_seconds": round(time.perf_counter() - wall, 2),
    "cpu_seconds": round(time.process_time() - cpu, 2),
    "modules": len(sys.modules), "torch": "torch" in sys.modules,
}}))
"""


def measure(code: str) -> dict[str, object]:
    """Return what a fresh interpreter spends on ``code``."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FRAME.format(code=code)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure every case and write ``results/startup.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    folder = str(artifact(ALIGNED, parser.parse_args().checkpoint))
    cases = {name: code.format(folder=folder) for name, code in CASES.items()}
    write_result("startup", {"cases": {name: measure(code) for name, code in cases.items()}})


if __name__ == "__main__":
    main()
