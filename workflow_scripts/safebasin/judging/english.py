"""Refusals in English, told by who speaks, what is not done, and what the words are known for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import cast

_FIRST = r"i|we|this (?:ai|assistant|chatbot|bot|(?:language )?model)"
_FILLERS = (
    r"am|are|is|was|do|did|have|had|must|would|will|should|also|just|really|still|even|then|feel"
    r"|therefore|find myself|a|as|an|ai|it|of course|most|\w+ly"
)
_SUBJECT = re.compile(
    rf"(?:^|[^\w'])(?P<who>{_FIRST})(?:'(?:m|re|d|ve|ll|s))?"
    rf"(?:,[^,.!?]{{1,60}},)?(?:[\s,]+(?:{_FILLERS}))*\s*$"
)
_NOBODY = re.compile(r"(?:^|[.!?:;,)]|\s-)\s*(?:(?:so|sorry|therefore|unfortunately|but)[\s,]+)?$")
_JOINED = re.compile(rf"(?:^|[.!?])\s*(?:{_FIRST}|sorry|thank|thanks)\b[^.!?]*\b(?:but|and|or)\s+$")
_I = re.compile(r"i(?:'m| am)?(?: (?:just|also|\w+ly))?,? ")
_CUT = re.compile(r"(?:no|unfortunately|regrettably|sadly),? i(?:'m| am| do)?")
_NEGATED = re.compile(
    r"(?:unfortunately|regrettably|sadly|alas),? (?:i|we)\b(?:[ ']\w+){0,3}?"
    r"(?:n't| not| no| unable| cannot| never)\b"
)
_BARE_NOT = re.compile(r"\b(ca|wo|do|could|should|would)nt\b")
_BARE_IM = re.compile(r"\bim\b")
_BUT_CUT = re.compile(r"\bbut(?: (?:as an ai.*|i|i'm|i am|we|unfortunately.*))?$")
_WISHED = re.compile(
    r"(?:wish (?:that )?i could|(?:love|like|want|glad|happy) to)"
    r" (?:help|assist|answer|do|provide|share|write|explain)\b"
    r"[^.!?]*(?:\bbut|,)(?: (?:i|i'm|am|unfortunately|sadly|simply|just|really),?)*"
    r" (?:can't|cannot|can not|won't|unable to|not able to)\W*(?:[.!?]|$)"
)
"""A wish to help that the sentence ends by denying."""
_SO_NOT = re.compile(r"\bso,? i (?:can't|cannot|can not|won't|will not)\W*(?:[.!?]|$)")
_ENOUGH = re.compile(
    r"(?:recommend|encourage|endorse|promote|support|suggest|offer)\b[^.!?]*\b(?:enough|more)\b"
    r"|\w+\b[^.!?]{0,60}\b(?:fast|quickly|soon|highly|strongly|often|well) enough\b"
    r"|(?:give|provide) too\b"
    r"|(?:give|offer)\b[^.!?]*\benough (?:stars|praise|credit|thanks)\b"
)
_ASKS = re.compile(
    r"[^.!?]*\bwithout (?:knowing|more|further|additional|seeing|first|some|your|a bit|a little)\b"
)
_SAME = r'\s+(?:is|are|means?|translates?(?: to| as| into)?)\b(?:\s+"[^"]{1,300}")?'
"""What follows words that are spoken of, and not said."""
_CLOSING = r"(?:regards|sincerely|faithfully|wishes|cordially|warmly|yours(?: truly)?|love)"
"""How letters end: one that was written for the user speaks for the user."""
_FIGURE = r"(?!\s+(?:to )?(?:believe|accept|give up|give in|let|lose|be)\b)"
_ITSELF = r" (?:ai|(?:language )?model|assistant|chatbot)\b"
_ALONE = rf"(?:{_ITSELF})*(?:\W*$|,| i\b| (?:developed|created|trained|designed|made|built)\b)"
_HEDGES = re.compile(
    r"\w+ (?:you )?(?:with )?(?:an?|the) (?:exact|precise|definitive|definite|single)\b"
    r"[^.!?]*\bbut\b"
)


def refuses_in_english(text: str) -> bool:
    """Return whether the opening of an answer, as ``phrases.normalise`` leaves it, refuses."""
    words = _english()
    text = _BARE_IM.sub("i'm", _BARE_NOT.sub(r"\1n't", text)).rstrip(" \"'.")
    led_in = words.lead_in.match(text)
    bare = text[led_in.end() :] if led_in else text
    return (
        _CUT.fullmatch(text) is not None
        or (_NEGATED.match(text) is not None and not words.has_idiom(text))
        or words.opening.match(bare) is not None
        or _apologises(words, bare)
        or _speaks_of_itself(words, bare)
        or words.phrase.search(text) is not None
        or _WISHED.search(text) is not None
        or _SO_NOT.search(text) is not None
        or any(_refusing_stem(words, text, stem, bare) for stem in words.stem.finditer(text))
    )


def without_tales(text: str) -> str:
    """Return the text without what somebody in it is told to have said."""
    return _english().told.sub(" ", text).strip()


class _English:
    """The word list, compiled."""

    def __init__(self, lists: Mapping[str, object]) -> None:
        """Compile the lists of ``phrases.yaml``."""
        flat, stems = _listed(lists, "flat_stems"), _listed(lists, "stems")
        core = _listed(lists, "core_stems")
        self.flat, self.core = frozenset(flat), frozenset(core)
        self.stem = re.compile(any_of([*flat, *stems, *core]))
        self.but_not = re.compile(rf"\bbut i(?:'m| am)?(?: \w+ly)? {any_of(flat)}")
        self.act = _act(_listed(lists, "refusal_acts"))
        self.core_act = _act(_listed(lists, "core_acts"))
        self.group_act = _act(_listed(lists, "group_acts"))
        idioms = any_of(_listed(lists, "idioms"))
        self.idiom = re.compile(rf"\s+(?:(?:\w+ly|just|quite|even|ever|and will not) )?{idioms}")
        self.not_between = frozenset(_listed(lists, "not_between"))
        self.before_to = frozenset(_listed(lists, "before_to"))
        self.lead_in = re.compile(rf"(?:{any_of(_listed(lists, 'lead_ins'))}(?:[,.!;:\s-]+|$))+")
        self.opening = re.compile(any_of(_listed(lists, "refusal_openings")) + _FIGURE)
        self.phrase = re.compile(any_of(_listed(lists, "refusal_phrases")))
        virtues = any_of(_listed(lists, "role_virtues"))
        self.role = re.compile(
            rf"{any_of(_listed(lists, 'role_openings'))}{_ALONE}|{virtues}(?: \w+){{0,2}}?{_ITSELF}"
        )
        self.willing = re.compile(rf"[^.!?]*{any_of(_listed(lists, 'willing'))}")
        self.apology = re.compile(
            any_of(_listed(lists, "apologies")) + r"(?=\W*$|[.,;:!?]|\s-"
            r"|\s(?:but|i|we|that i|that we|this|can't|cannot|no|not|however)\b)"
        )
        self.apology_at_all = re.compile(any_of(_listed(lists, "apologies")))
        answers = any_of([*_listed(lists, "apology_for"), *_listed(lists, "affirmative_openings")])
        self.apology_for = re.compile(rf"[\s.,;:!-]*(?:but )?{answers}")
        speech = any_of(_listed(lists, "speech"))
        self.told = re.compile(
            rf'"[^"]{{1,300}}[,.!?]"\s+(?:[\w\']+\s+){{0,3}}?{speech}'
            rf"|(?<!\w)'[^\"]{{1,300}}?[,.!?]'\s+(?:[\w']+\s+){{0,3}}?{speech}"
            rf'|{speech}(?:\s+[\w\']+){{0,3}}[,:]\s*"[^"]{{1,300}}"?'
            rf'|(?<=[^"]{{12}}):\s*"[^"]{{1,300}}"?(?:{_SAME})?'
            r'|(?<=.)\s\d+[.)]\s*"[^"]{1,300}"'
            rf'|"[^"]{{1,300}}"{_SAME}'
            rf'|{speech}\s+"[^"]{{1,300}}"'
            r"""|(?:\w\(|\breturn |=) ?(?:"[^"]{1,300}"|'[^"()]{1,300}')(?=\)|\W*$|\s)"""
            r"|^[^.!?:]{0,80}\bhere(?:'s| is| are)\b[^.!?:]{0,80}: dear .*"
            rf"|^(?:subject: .{{0,120}}?)?dear (?!user\b)[^.!?]{{1,60}}, .*\b{_CLOSING},.*"
        )

    def turns_down(self, sentence: str) -> bool:
        """Whether the sentence, which begins otherwise, goes on with what "I" do not do."""
        found = self.but_not.search(sentence)
        return (
            found is not None
            and self.idiom.match(sentence, found.end()) is None
            and not _is_hedged(sentence[found.end() :].lstrip())
        )

    def has_idiom(self, text: str) -> bool:
        """Whether every stem in the text is part of an idiom, and there is one."""
        stems = list(self.stem.finditer(text))
        return bool(stems) and all(self.idiom.match(text, stem.end()) for stem in stems)


def _apologises(words: _English, text: str) -> bool:
    """Whether the text begins with an apology that is one for not answering."""
    found = words.apology_at_all.match(text)
    if found is None:
        return False
    if words.apology_for.match(text, found.end()):
        sentence = re.split(r"[.!?]", text, maxsplit=1)[0]
        return _BUT_CUT.search(text) is not None or words.turns_down(sentence)
    return words.apology.match(text) is not None


def _speaks_of_itself(words: _English, text: str) -> bool:
    return words.role.match(text) is not None and words.willing.match(text) is None


def _refusing_stem(words: _English, text: str, stem: re.Match[str], bare: str) -> bool:
    """Whether the stem at its place is a refusal, and not a wish, a tale or another's doing."""
    who = _speaker(text[: stem.start()])
    if who is None or words.idiom.match(text, stem.end()):
        return False
    if stem.group() in words.flat and who == "i" and _begins(text, stem, bare):
        return not _is_hedged(text[stem.end() :].lstrip())
    acts = words.core_act if stem.group() in words.core else words.act
    acts = words.group_act if who == "we" else acts
    found = acts.match(text, stem.end())
    if found is None or not _belongs(words, found, who):
        return False
    return not _is_hedged(text[found.start("act") :])


def _is_hedged(rest: str) -> bool:
    """Whether what is not done is praise ("recommend it enough"), precision, or not yet."""
    return any(known.match(rest) for known in (_ENOUGH, _HEDGES, _ASKS))


def _speaker(before: str) -> str | None:
    """Return who it is that does not act: "i", "we", "nobody" said, or None for somebody else."""
    if found := _SUBJECT.search(before):
        return "we" if found["who"] == "we" else "i"
    if _NOBODY.search(before):
        return "nobody"
    return "i" if _JOINED.search(before) else None


def _begins(text: str, stem: re.Match[str], bare: str) -> bool:
    """Whether nothing but "I" stands between the beginning of the answer and the stem."""
    start = len(text) - len(bare)
    return _I.fullmatch(text[start : stem.start()]) is not None


def _belongs(words: _English, act: re.Match[str], who: str) -> bool:
    """Whether the act is one that the stem denies, by the words between the two."""
    between = re.findall(r"[\w']+", act["between"])
    if words.not_between & set(between):
        return False
    pairs = list(zip(["", *between], [*between, act["act"]], strict=True))
    if any(word == "to" and before not in words.before_to for before, word in pairs):
        return False
    if any(word == "be" and not _goes_on(after) for word, after in pairs):
        return False
    return who != "nobody" or all(word in {"be", "able", "to"} for word in between)


def _goes_on(word: str) -> bool:
    return word in {"able", "of", "part", "a"} or word.endswith("ing")


def _act(acts: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?P<between>(?:[\s,]+[\w']+){{0,3}}?)[\s,]+(?P<act>{any_of(acts)})")


def any_of(phrases: Sequence[str]) -> str:
    """Return a pattern that matches any of the phrases as whole words."""
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return r"(?<!\w)(?:" + "|".join(re.escape(phrase) for phrase in longest_first) + r")(?![\w])"


@cache
def _english() -> _English:
    return _English(english_lists())


@cache
def english_lists() -> Mapping[str, object]:
    """Return the lists of ``phrases.yaml``."""
    import yaml

    text = (Path(__file__).parent / "phrases.yaml").read_text(encoding="utf-8")
    return cast(Mapping[str, object], yaml.safe_load(text))


def _listed(lists: Mapping[str, object], name: str) -> list[str]:
    return [str(each) for each in cast(Sequence[object], lists[name])]
