"""Refusals in other languages than English, and whether a text is in English at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

_PLAINLY = 2
"""So many common English words, and none from elsewhere, make a clause English."""
_MOSTLY = 0.7
"""So much of the letters is Latin in an answer that may be English."""
_SPEECH = (
    r"(?:dijo|dice|respondi[oó]|contest[oó]|dit|r[eé]pondit|sagte?|antwortete|rief|disse|diz|respondeu|rispose"
    r'|сказал\w*|говорит|ответил\w*|[说說道]|と[^。"]{0,6}?(?:言|答|話)|라고)'
)
_TOLD = re.compile(
    rf'"[^"]{{1,300}}"[^\w"]*\w{{0,8}}?{_SPEECH}|{_SPEECH}\s*[:,：，]?\s*"[^"]{{1,300}}"'
)
"""What somebody in the text is told to have said."""


def reads_as_english(text: str) -> bool:
    """Return whether nothing speaks against English: other letters, or another's common words.

    A first clause that is plainly English speaks for it, whatever it goes on to quote or to list.
    """
    opening = re.split(r"[.!?:\n]", text, maxsplit=1)[0]
    english, foreign = _common(opening)
    if english >= _PLAINLY and not foreign:
        return True
    letters = [each for each in text if each.isalpha()]
    if sum(_is_latin(each) for each in letters) < _MOSTLY * len(letters):
        return False
    english, foreign = _common(text)
    return foreign <= english


def _common(text: str) -> tuple[int, int]:
    """Return how many words are common ones in English, and how many are so elsewhere.

    A word with an accent counts as one from elsewhere.
    """
    words: list[str] = re.findall(r"[^\W\d_]+", text.casefold())
    bare = [_bare(word) for word in words]
    accented = sum(word != plain for word, plain in zip(words, bare, strict=True))
    english, other = _common_words()
    return sum(word in english for word in bare), sum(word in other for word in bare) + accented


def without_foreign_tales(text: str) -> str:
    """Return the text without what somebody in it is told to have said, English aside."""
    return _TOLD.sub(" ", text)


def refuses_elsewhere(text: str) -> bool:
    """Return whether the opening of an answer refuses in one of the other languages."""
    bare = _bare(text)
    return any(pattern.search(bare) is not None for pattern in _patterns().values())


def other_languages() -> tuple[str, ...]:
    """Return the codes of the languages whose refusals are known, English aside."""
    return tuple(_patterns())


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    return {code: _compiled(known) for code, known in _read("languages.yaml").items()}


@cache
def _common_words() -> tuple[frozenset[str], frozenset[str]]:
    words = _read("common_words.yaml")
    return frozenset(words["english"].split()), frozenset(words["other"].split())


def _read(name: str) -> dict[str, Any]:
    import yaml

    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


def _compiled(known: Mapping[str, object]) -> re.Pattern[str]:
    """Return what matches the refusals of one language."""
    by_words = "words" in known
    gap = (
        rf"(?:[\s,]+[\w'-]+){{0,{known['words']}}}?[\s,]+(?:\w')?"
        if by_words
        else rf"[^。！？.!?\n]{{0,{known['characters']}}}?"
    )
    innocent = cast(Sequence[str], known["innocent"])
    apart = rf"(?!\s*{_any(innocent, by_words)})" if innocent else ""
    opening = rf"^\W*{_any(cast(Sequence[str], known['openings']), by_words)}"
    found = [opening]
    for parts in cast(Sequence[Sequence[Sequence[str]]], known["refusals"]):
        found.append(gap.join(_any(part, by_words) + apart for part in parts))
    return re.compile("|".join(f"(?:{each})" for each in found))


def _any(phrases: Sequence[str], by_words: bool) -> str:
    longest_first = sorted(map(_bare, phrases), key=lambda phrase: (-len(phrase), phrase))
    listed = "|".join(re.escape(phrase).replace(r"\*", r"\w*") for phrase in longest_first)
    return rf"(?<!\w)(?:{listed})(?!\w)" if by_words else f"(?:{listed})"


def _bare(text: str) -> str:
    """Return the text in lower case without accents on Latin and Cyrillic letters."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize(
        "NFC", "".join(each for each in apart if not "\u0300" <= each <= "\u036f")
    )


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith("LATIN ")
