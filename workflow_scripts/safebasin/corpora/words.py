"""What texts are compared by: their words, or n-grams where writing puts no blanks between words.

Text with blanks has the words that it always had, to the letter. A run of Chinese, Japanese, Thai
and the like would be one word as long as a clause, equal to nothing but itself.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\b\w+\b")
"""Every run of letters or digits is a word: one-letter words tell "Option A" from "B"."""
_PAIRED = (
    "\u3005-\u3007\u303b\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U000323af"
)
"""Chinese characters, kana, bopomofo, Yi: a character is a syllable or more."""
_TRIPLED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf"
    "\u1b00-\u1b7f\u1bc0-\u1bff\ua500-\ua63f\ua980-\ua9ff\uaa00-\uaadf"
)
"""Thai, Lao, Tibetan, Burmese, Khmer and their neighbours: a character is a letter or a mark."""
_SYLLABLES = re.compile("[\u3005-\u3007\u303b\u3040-\u312f\u31f0-\u31ff\uac00-\ud7a3\uff66-\uff9f]")
_HANGUL = "[\uac00-\ud7a3]{12,}"
"""Korean puts blanks between words, which have fewer syllables; so many are words run together."""
_RUN = re.compile(f"(?P<paired>[{_PAIRED}]+|{_HANGUL})|(?P<tripled>[{_TRIPLED}]+)")
_MARKS = frozenset(
    "\u30fb\uff65\u0e2f\u0e4f\u0e5a\u0e5b\u104a\u104b\u17d4\u17d5\u17d6\u17d8\u17d9\u17da"
) | {chr(code) for code in (*range(0x0F04, 0x0F15), *range(0x0F3A, 0x0F3E))}
"""Punctuation among them."""
_LONGEST = 40
"""Words have fewer letters, whatever the language; a longer one is text without blanks."""


def words_of(text: str) -> list[str]:
    """Return the words and n-grams of ``text``, which is in lower case."""
    if _RUN.search(text) is None:
        return _WORD.findall(text)
    words = _WORD.findall(_RUN.sub(" ", text))
    for match in _RUN.finditer(text):
        length = 2 if match["paired"] else 3
        for run in _without_marks(match[0]):
            if match["paired"] and len(run) > 1:
                words += _SYLLABLES.sub("", run)  # a Chinese character is a word by itself, too
            words += [run[at : at + length] for at in range(max(1, len(run) - length + 1))]
    return words


def is_clear(text: str) -> bool:
    """Say whether words can be told in ``text``, so that another text may be found to be like it.

    Not where it has none, and not where most of it is one long run without blanks.
    """
    words = words_of(text)
    long = sum(len(word) for word in words if len(word) > _LONGEST)
    return bool(words) and 2 * long <= sum(len(word) for word in words)


def _without_marks(run: str) -> list[str]:
    return "".join(" " if sign in _MARKS else sign for sign in run).split()
