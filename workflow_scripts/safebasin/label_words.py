"""The labels of a task as words: which of them an answer opens with, and which cannot be told.

Case, Unicode form and punctuation around a label do not count, as long as they tell no two labels
apart. Signs count where labels need them ("C", "C++" and "C#"; "+" and "-"; numbers).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_JOINERS = frozenset({"or", "and", "vs", "versus", "oder", "und", "或", "和", "또는", "または"})
_SOFT = frozenset("-_*\"'`")
"""Inside a label these are as good as a blank: not-entailment, not_entailment."""
_TELLING = frozenset("#%&-/@\\")
"""Signs that can tell labels apart, besides mathematical ones, currencies and pictures."""
_OF_NUMBERS = frozenset("-%$€£°")
_BULLETS = frozenset("-+*#>")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-")
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ´"), "'")
_SEEN_AFTER = 3
"""So many words after a label are looked at for another one, as in a list."""


@dataclass(frozen=True, slots=True)
class Token:
    """A run of letters and digits, or one other character."""

    text: str
    begins: bool
    """Whether white space stands before it (or a sign ends a word in a script without blanks)."""
    line: int
    is_word: bool


class LabelWords:
    """A set of labels that can be told apart."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Take labels.

        Raises:
            ValueError: some cannot be told apart; with everything that is wrong.
        """
        wrong = list(label_faults(labels))
        if wrong:
            raise ValueError("; ".join(wrong))
        self._signs = _signs_of(labels)
        keys = [(key_of(label, self._signs), label) for label in labels]
        self._keys = sorted(keys, key=lambda pair: -len(pair[0]))
        self._has_numbers = any(_is_number(label) for label in labels)

    def named(self, text: str) -> str | None:
        """Return the label that ``text`` is, as a whole; None where it is none of them."""
        wanted = _texts(key_of(text, self._signs))
        return next((label for key, label in self._keys if _texts(key) == wanted), None)

    def opening(self, answer: str) -> str | None:
        """Return the label that the answer opens with, or None.

        None where another label follows as in a list ("positive, negative", "positive or
        negative"), and where a lone bullet is a label and words follow it.
        """
        tokens = tokens_of(answer)
        start = self._first(tokens, 0)
        if start is None or (found := self._label_at(tokens, start)) is None:
            return None
        label, end = found
        if all(not token.is_word for token in tokens[start:end]):
            same = [token for token in tokens[end:] if token.line == tokens[start].line]
            if tokens[start].text in _BULLETS and any(token.is_word for token in same):
                return None
        return None if self._lists_another(tokens, end, label) else label

    def _first(self, tokens: Sequence[Token], at: int) -> int | None:
        """Return where the first sign or word is that counts, within one word of the text."""
        for place in range(at, len(tokens)):
            token = tokens[place]
            if place > at and token.begins:
                return None
            if token.is_word or token.text in self._signs:
                fraction = place > at and tokens[place - 1].text in {".", ","}
                return None if fraction and self._has_numbers else place
        return None

    def _label_at(self, tokens: Sequence[Token], start: int) -> tuple[str, int] | None:
        """Return the longest label that stands at ``start`` and ends a word, and its end."""
        for key, label in self._keys:
            end = self._match(tokens, start, key)
            if end is not None and self._ends(tokens, end):
                return label, end
        return None

    def _match(self, tokens: Sequence[Token], start: int, key: Sequence[Token]) -> int | None:
        place = start
        for number, wanted in enumerate(key):
            while (
                number
                and place < len(tokens)
                and tokens[place].text != wanted.text
                and tokens[place].text in _SOFT - self._signs
            ):
                place += 1
            if place == len(tokens) or tokens[place].text != wanted.text:
                return None
            is_sign = wanted.text in self._signs
            if number and is_sign and tokens[place].begins != wanted.begins:
                return None
            place += 1
        return place

    def _ends(self, tokens: Sequence[Token], end: int) -> bool:
        """Whether nothing but punctuation follows up to the next word."""
        for token in tokens[end:]:
            if token.begins:
                return True
            if token.is_word or token.text in self._signs:
                return False
        return True

    def _lists_another(self, tokens: Sequence[Token], end: int, label: str) -> bool:
        begins = [place for place in range(end, len(tokens)) if tokens[place].begins]
        for place, after in list(pairwise([*begins, len(tokens)]))[:_SEEN_AFTER]:
            words = [token.text for token in tokens[place:after] if token.is_word]
            start = self._first(tokens, place)
            found = None if start is None else self._label_at(tokens, start)
            if found is not None:
                return found[0] != label
            if words and not (len(words) == 1 and words[0] in _JOINERS):
                return False
        return False


def label_faults(labels: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a set of labels, in words."""
    if len(labels) < 2:
        yield "two labels or more are needed"
    signs = _signs_of(labels)
    seen: dict[tuple[str, ...], str] = {}
    for label in labels:
        key = _texts(key_of(label, signs))
        if not key:
            yield f"{label!r} has no letter, digit or sign to know it by; use a word"
        elif seen.setdefault(key, label) == label and labels.count(label) > 1:
            yield f"{label!r} stands twice"
        elif seen[key] != label:
            yield (
                f"{seen[key]!r} and {label!r} cannot be told apart in an answer: they differ in "
                "case, punctuation or Unicode form alone; use other words"
            )


def key_of(label: str, signs: frozenset[str]) -> tuple[Token, ...]:
    """Return the tokens of a label that count."""
    tokens = [each for each in tokens_of(label) if each.text not in _SOFT - signs]
    while tokens and not tokens[0].is_word and tokens[0].text not in signs:
        tokens.pop(0)
    while tokens and not tokens[-1].is_word and tokens[-1].text not in signs:
        tokens.pop()
    return tuple(tokens)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of the text, in one case and Unicode form."""
    tokens: list[Token] = []
    begins, line, run = True, 0, ""

    def end_run() -> None:
        nonlocal begins, run
        if run:
            tokens.append(Token(run, begins, line, is_word=True))
            begins, run = False, ""

    for character in _folded(text):
        if _is_wordy(character):
            run += character
            continue
        end_run()
        if character.isspace():
            begins = True
            line += character == "\n"
            continue
        after_letter = bool(tokens) and tokens[-1].is_word and not begins
        breaks = after_letter and _is_without_blanks(tokens[-1].text[-1])
        tokens.append(Token(character, begins or breaks, line, is_word=False))
        begins = False
    end_run()
    return tokens


def _signs_of(labels: Sequence[str]) -> frozenset[str]:
    """Return the signs that count: none, unless labels are not told apart by their words."""
    bare = [_texts(key_of(label, frozenset())) for label in labels]
    has_letters = all(any(map(str.isalpha, "".join(key))) for key in bare)
    if len(set(bare)) == len(bare) and has_letters:
        return frozenset()
    written = {token.text for label in labels for token in tokens_of(label) if not token.is_word}
    signs = {sign for sign in written if sign in _TELLING or _is_sign(sign)}
    return frozenset(signs | _OF_NUMBERS if any(map(_is_number, labels)) else signs)


def _texts(key: Sequence[Token]) -> tuple[str, ...]:
    return tuple(token.text for token in key)


def _folded(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).translate(_DASHES)
    composed = unicodedata.normalize("NFKC", composed.casefold()).replace("i̇", "i")
    return "".join(each for each in composed if not _is_invisible(each))


def _is_invisible(character: str) -> bool:
    if "\ufe00" <= character <= "\ufe0f":
        return True
    return unicodedata.category(character) in {"Cf", "Cc"} and not character.isspace()


def _is_wordy(character: str) -> bool:
    """Whether it belongs to a word; the vowel signs of Indic scripts are marks, not letters."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _is_sign(character: str) -> bool:
    return unicodedata.category(character) in {"Sm", "Sc", "So"}


def _is_number(label: str) -> bool:
    words = [token.text for token in tokens_of(label) if token.is_word]
    return bool(words) and all(word.isdigit() for word in words)


def _is_without_blanks(character: str) -> bool:
    """Whether it is of a script that puts no blanks between words."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK ", "HIRAGANA", "KATAKANA", "THAI ", "LAO ", "KHMER ", "MYANMAR "))
