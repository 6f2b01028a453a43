"""What a search has found so far, kept line by line so that a kill costs one candidate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safebasin.guards.generators.generator import Proposal
from safebasin.guards.outcome import TaskOutcome
from safebasin.progress import SILENT, Progress
from safebasin.resume.lines import append_line, read_lines

_LOG = "search.jsonl"


class SearchLog:
    """Proposals by round and outcomes by prefix; without a folder they are kept in memory only."""

    def __init__(self, folder: Path | None, progress: Progress = SILENT) -> None:
        """Read what an earlier try left; ``progress`` is told of lines that cannot be read."""
        self._path = folder / _LOG if folder is not None else None
        self._proposals: dict[int, list[Proposal]] = {}
        self._outcomes: dict[tuple[str, str], tuple[TaskOutcome, ...]] = {}
        for line in read_lines(self._path, progress) if self._path is not None else []:
            self._take(line)

    def proposals(self, round: int) -> list[Proposal] | None:
        """Return what was proposed in a round, or None where nobody was asked yet."""
        return self._proposals.get(round)

    def outcomes(self, scoring: str, text: str) -> tuple[TaskOutcome, ...] | None:
        """Return what was seen with a prefix in the first or second scoring, or None."""
        return self._outcomes.get((scoring, text))

    def keep_proposals(self, round: int, proposals: Sequence[Proposal]) -> None:
        """Keep the proposals of a round."""
        self._keep({"round": round, "proposals": [asdict(each) for each in proposals]})

    def keep_outcomes(self, scoring: str, text: str, outcomes: Sequence[TaskOutcome]) -> None:
        """Keep what was seen with a prefix."""
        self._keep(
            {"scoring": scoring, "text": text, "outcomes": [asdict(each) for each in outcomes]}
        )

    def _keep(self, line: dict[str, Any]) -> None:
        # By way of the text, so that an undisturbed run holds what a resumed one reads.
        self._take(json.loads(json.dumps(line)))
        if self._path is not None:
            append_line(self._path, line)

    def _take(self, line: dict[str, Any]) -> None:
        if "proposals" in line:
            self._proposals[line["round"]] = [
                Proposal(**{**each, "parents": tuple(each["parents"])})
                for each in line["proposals"]
            ]
        else:
            self._outcomes[line["scoring"], line["text"]] = tuple(
                TaskOutcome(**each) for each in line["outcomes"]
            )
