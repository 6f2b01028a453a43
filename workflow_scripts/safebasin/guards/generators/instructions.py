"""What a language model is asked for prefixes, and how its reply is read.

Source: PING (arXiv 2508.14031), section 4 and appendix: the parts of the generator's prompt, in
our own words; three lists of exemplars with their scores; marked lines only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from safebasin.guards.generators.generator import Exemplar, Feedback

MARKER = "PREFIX: # "
"""A line counts only if it begins with this; what follows ``PREFIX: `` is the prefix."""

_LONGEST = 60
"""Words of a prefix; the paper's have 15 to 35."""
_SHORTEST = 3


def request_text(count: int, feedback: Feedback | None) -> str:
    """Return the one user message that asks for ``count`` prefixes."""
    texts = _texts()
    head = texts["role_scratch"] if feedback is None else texts["role_seeded"]
    parts = [head, texts["ask"].format(count=count), texts["definition"], texts["goal"]]
    if feedback is not None:
        parts += [
            _list(texts["list_overall"], feedback.best_overall),
            _list(texts["list_perf"], feedback.best_perf),
            _list(texts["list_refusal"], feedback.best_refusal),
            texts["caution"],
        ]
    return "\n\n".join([*parts, texts["scoring"], texts["output"].format(marker=MARKER)])


def marked_prefixes(reply: str) -> list[str]:
    """Return the prefixes in a reply, each once, in order; whatever is not marked is ignored.

    A line is left out where it is too short or long for a sentence, holds what cannot be printed,
    or could be read as a token of the chat template: it goes into prompts as it is.
    """
    found = []
    for line in reply.split("\n"):
        text = line.removesuffix("\r")
        if not text.startswith(MARKER):
            continue
        sentence = " ".join(text.removeprefix(MARKER).split(" ")).strip()
        words = len(sentence.split())
        has_marks = any(
            mark in sentence for mark in ("<|", "|>", "</s>", "<s>", "[INST]", "PREFIX:")
        )
        if _SHORTEST <= words <= _LONGEST and sentence.isprintable() and not has_marks:
            found.append(f"# {sentence}")
    return list(dict.fromkeys(found))


def _list(heading: str, exemplars: Sequence[Exemplar]) -> str:
    entry = _texts()["entry"]
    lines = [
        entry.format(text=each.text, overall=each.overall, perf=each.perf, refusal=each.refusal)
        for each in exemplars
    ]
    return "\n".join([heading, *lines])


@cache
def _texts() -> dict[str, str]:
    texts: dict[str, str] = yaml.safe_load(
        Path(__file__).with_name("instructions.yaml").read_text(encoding="utf-8")
    )
    return texts
