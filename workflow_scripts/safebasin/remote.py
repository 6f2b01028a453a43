"""What a run that sends its jobs elsewhere must not do silently."""

from __future__ import annotations

from typing import Any

from safebasin.errors import StudyError


def refuse_lost_gpus(limit: Any) -> None:
    """Refuse to run on a cluster where GPU requests are capped at none.

    ``profiles/default`` says ``gpu=0``, which is right where no scheduler hands out GPUs.
    Snakemake finds it by itself, lays it over ``--profile``, and caps every request without a
    word: a study of hours would run on CPUs.

    Args:
        limit: Snakemake's limit on the resource ``gpu``; None where there is none.

    Raises:
        StudyError: with the line that does it, and the command that is right.
    """
    if limit is not None and limit.value is not None and limit.value < 1:
        raise StudyError(
            "this run sends its jobs to a cluster, and the line `gpu=0` below `resources:` takes "
            "every GPU request away. Where it was not given on the command line, it stands in "
            "profiles/default/config.yaml, which Snakemake lays over --profile and --executor: "
            "start with --workflow-profile profiles/slurm, or another one without that line"
        )
