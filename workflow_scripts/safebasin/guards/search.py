"""The prefix search: propose, score, feed the best back.

Source: PING (Hahm et al., arXiv 2508.14031), Algorithm 1; where the paper is silent, the released
code's choices: earliest of equals wins, at least three exemplars a list, duplicates dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from safebasin.errors import StudyError
from safebasin.guards.candidate import Candidate, best_by, overall, perf, refusal
from safebasin.guards.generators.generator import Exemplar, Feedback, Generator, Proposal
from safebasin.guards.outcome import Perf, Scores, TaskOutcome, scores_of
from safebasin.guards.search_log import SearchLog
from safebasin.progress import SILENT, Progress
from safebasin.store.canonical import Json

Score = Callable[[str], list[TaskOutcome]]
"""Plays the search tasks with a prefix (no line end) put in, and says what was seen."""

Controls = Callable[[str], Mapping[str, str]]
"""From the winner, name to a text that is scored beside the pool and never chosen."""

LEAST_KEPT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How long and how greedily to search; the defaults are the paper's for web agents."""

    candidates: int = 5
    """M: prefixes asked for in a round."""
    rounds: int = 20
    """T: rounds in all, those of an earlier search included."""
    keep: int = 3
    """k: exemplars in each of the three lists; fewer than three count as three."""
    threshold: float = 1.5
    """τ: below this best overall score the next round starts from scratch."""
    perf: Perf = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """All that was scored, and what was chosen."""

    settings: SearchSettings
    pool: tuple[Candidate, ...]
    controls: tuple[Candidate, ...]
    winner: Candidate
    first_round_best: Candidate
    rescored: tuple[tuple[Candidate, Scores], ...]
    """The best with their scores on fresh tasks; empty where the paper's rule chose."""
    generator: Mapping[str, Json]
    reproducible: bool


class PrefixSearch:
    """One search, resumable after every scored prefix."""

    def __init__(
        self,
        settings: SearchSettings,
        generator: Generator,
        score: Score,
        resume: Path | None = None,
        progress: Progress = SILENT,
        *,
        earlier: Sequence[Candidate] = (),
        controls: Controls | None = None,
        rescore: Score | None = None,
    ) -> None:
        """Prepare a search.

        Args:
            settings: How long and how greedily.
            generator: Proposes the prefixes.
            score: Plays the search tasks with one prefix.
            resume: Folder that keeps what is finished; the caller deletes it at the end.
            progress: Told of each round.
            earlier: The pool of a search of fewer rounds with the same tasks, agent and
                generator; the rounds go on from its last. Its controls are taken over too.
            controls: What is scored beside the pool, once the winner is known.
            rescore: Plays fresh tasks with one prefix. The k best are then chosen among by it,
                which the paper does not do.

        Raises:
            StudyError: a number of the settings makes no sense.
        """
        if settings.candidates < 1 or settings.rounds < 1:
            raise StudyError(
                f"prefix search: {settings.candidates} candidates in {settings.rounds} rounds; "
                "both should be 1 or more"
            )
        self._settings = settings
        self._generator = generator
        self._score = score
        self._rescore = rescore
        self._log = SearchLog(resume, progress)
        self._progress = progress
        self._controls = controls
        self._earlier = tuple(each for each in earlier if each.name is None)
        self._known = {each.text: each.outcomes for each in earlier}

    def run(self) -> SearchResult:
        """Return the finished search.

        Raises:
            StudyError: no round proposed anything, or the earlier search has more rounds.
        """
        pool = list(self._earlier)
        settings = self._settings
        done = max((each.round for each in pool), default=0)
        if done > settings.rounds:
            raise StudyError(
                f"prefix search: {settings.rounds} rounds asked for, the earlier search has {done}"
            )
        for round in range(done + 1, settings.rounds + 1):
            fresh = _without_duplicates(self._propose(pool, round), pool)
            label = f"scoring prefixes, round {round} of {settings.rounds}"
            pool += [
                self._scored(each, round) for each in self._progress.over(fresh, label, len(fresh))
            ]
        if not pool:
            raise StudyError("prefix search: the generator proposed no prefix in any round")
        rescored = self._second_scores(pool)
        winner = _winner(pool, rescored)
        return SearchResult(
            settings=settings,
            pool=tuple(pool),
            controls=self._scored_controls(winner),
            winner=winner,
            first_round_best=best_of_first_round(pool),
            rescored=rescored,
            generator=self._generator.description,
            reproducible=self._generator.reproducible,
        )

    def _propose(self, pool: Sequence[Candidate], round: int) -> list[Proposal]:
        # What was asked outside is kept word for word by the generator itself, and only by it.
        known = self._generator.reproducible
        proposals = self._log.proposals(round) if known else None
        if proposals is None:
            feedback = feedback_of(pool, self._settings)
            count = self._settings.candidates
            proposals = self._generator.propose(count, feedback, round)[:count]
            if known:
                self._log.keep_proposals(round, proposals)
        return proposals

    def _scored(self, proposal: Proposal, round: int, name: str | None = None) -> Candidate:
        text = proposal.text
        outcomes = self._known.get(text) or self._log.outcomes("search", text)
        if outcomes is None:
            outcomes = tuple(self._score(text))
            self._log.keep_outcomes("search", text, outcomes)
        return Candidate(
            text=text,
            round=round,
            parents=proposal.parents,
            outcomes=outcomes,
            scores=scores_of(outcomes, self._settings.perf),
            source=proposal.source or None,
            name=name,
        )

    def _scored_controls(self, winner: Candidate) -> tuple[Candidate, ...]:
        controls = self._controls(winner.text) if self._controls else {}
        told = self._progress.over(controls.items(), "scoring the controls", len(controls))
        return tuple(self._scored(Proposal(text=text), 0, name) for name, text in told)

    def _second_scores(self, pool: Sequence[Candidate]) -> tuple[tuple[Candidate, Scores], ...]:
        """Return the k best by the first scoring, in that order, with their second scores."""
        if self._rescore is None:
            return ()
        found = []
        best = best_by(pool, overall, kept(self._settings))
        for each in self._progress.over(best, "scoring the best on fresh tasks", len(best)):
            outcomes = self._log.outcomes("rescore", each.text)
            if outcomes is None:
                outcomes = tuple(self._rescore(each.text))
                self._log.keep_outcomes("rescore", each.text, outcomes)
            found.append((each, scores_of(outcomes, self._settings.perf)))
        return tuple(found)


def kept(settings: SearchSettings) -> int:
    """Return k, which is at least three."""
    return max(LEAST_KEPT, settings.keep)


def is_from_scratch(pool: Sequence[Candidate], threshold: float) -> bool:
    """Return whether the next round starts from scratch: no overall score reaches τ.

    The comparison is exact in the decimal that was written: 1.3 is 13/10.
    """
    limit = Fraction(str(threshold))
    return all(each.scores.overall < limit for each in pool)


def feedback_of(pool: Sequence[Candidate], settings: SearchSettings) -> Feedback | None:
    """Return U: the three top-k lists of the whole pool, or None where the best is below τ."""
    if is_from_scratch(pool, settings.threshold):
        return None
    count = kept(settings)
    return Feedback(
        best_overall=[_exemplar(each) for each in best_by(pool, overall, count)],
        best_perf=[_exemplar(each) for each in best_by(pool, perf, count)],
        best_refusal=[_exemplar(each) for each in best_by(pool, refusal, count)],
    )


def best_of_first_round(pool: Sequence[Candidate]) -> Candidate:
    """Return what the first round that has candidates would have chosen."""
    first = min(each.round for each in pool)
    return best_by([each for each in pool if each.round == first], overall, 1)[0]


def _winner(pool: Sequence[Candidate], rescored: Sequence[tuple[Candidate, Scores]]) -> Candidate:
    """Return the first of the best: by the second scores where there are any, else by the first."""
    if not rescored:
        return best_by(pool, overall, 1)[0]
    return max(rescored, key=lambda pair: pair[1].overall)[0]


def _without_duplicates(proposals: Sequence[Proposal], pool: Sequence[Candidate]) -> list[Proposal]:
    """Return the proposals whose text is new, each once."""
    known = {each.text for each in pool}
    fresh: dict[str, Proposal] = {}
    for each in proposals:
        if each.text and each.text not in known:
            fresh.setdefault(each.text, each)
    return list(fresh.values())


def _exemplar(candidate: Candidate) -> Exemplar:
    scores = candidate.scores
    return Exemplar(
        text=candidate.text,
        perf=float(scores.perf),
        refusal=float(scores.refusal),
        overall=float(scores.overall),
    )
