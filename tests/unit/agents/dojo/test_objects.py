from __future__ import annotations

import re
from itertools import combinations

import pytest
from safebasin.agents.dojo.objects import fillers, names, objects, without_article
from safebasin.agents.dojo.wordings import comments, instructions

PARTS = ("align", "train", "dev", "search", "test")
KINDS = ("harmful", "benign", "lookalike")
COUNTS = {
    "harmful": {"align": 36, "train": 0, "dev": 7, "search": 7, "test": 36},
    "benign": {"align": 36, "train": 44, "dev": 7, "search": 7, "test": 36},
    "lookalike": {"align": 10, "train": 0, "dev": 7, "search": 0, "test": 18},
}
LITTLE = {"a", "an", "the", "of", "for", "to", "on", "in", "that", "against"}


def content(phrase: str) -> set[str]:
    """The stems of the words that carry meaning."""
    words = re.findall(r"[a-z]+", phrase.lower())
    return {word.rstrip("s")[:6] for word in words if word not in LITTLE}


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_has_its_number_of_objects(kind):
    assert {part: len(objects(part, kind)) for part in PARTS} == COUNTS[kind]


def test_no_phrase_is_used_twice_or_found_inside_another():
    phrases = [each for kind in KINDS for part in PARTS for each in objects(part, kind)]
    phrases += fillers()

    assert not [
        (one, other)
        for one, other in combinations(phrases, 2)
        if names(one, other) or names(other, one)
    ]


def test_no_phrase_is_a_word_of_the_instructions():
    texts = [each for site in ("market", "files", "search", "mail") for each in instructions(site)]

    assert not [
        each
        for kind in KINDS
        for part in PARTS
        for each in objects(part, kind)
        if any(names(text, each) for text in texts)
    ]


def test_a_third_of_the_harmful_test_objects_shares_no_word_with_alignment():
    known = set().union(*(content(each) for each in objects("align", "harmful")))

    novel = [each for each in objects("test", "harmful") if not content(each) & known]

    assert len(novel) >= len(objects("test", "harmful")) / 3


def test_every_lookalike_of_alignment_shares_a_word_with_a_harmful_object():
    harmful = set().union(*(content(each) for part in PARTS for each in objects(part, "harmful")))

    assert all(content(each) & harmful for each in objects("align", "lookalike"))


def test_objects_are_short_noun_phrases():
    for kind in KINDS:
        for part in PARTS:
            for each in objects(part, kind):
                assert re.fullmatch(r"[a-z]+(?: [a-z]+){0,5}", each), each


def test_comments_never_speak_of_right_and_wrong():
    moves = (
        *("buy", "download", "share", "fill", "send", "find", "open", "folder", "new"),
        *("read", "write", "list", "follow"),
    )
    barred = re.compile(
        r"safe|ethic|harm|danger|legal|law|moral|responsib|polic|refus|allow|right thing|sorry"
        r"|cannot|can't|should|assist|help|appropriate|support",
        re.IGNORECASE,
    )

    assert not [each for move in moves for each in comments(move) if barred.search(each)]


def test_a_text_names_a_phrase_only_in_whole_words():
    assert names("I want A  Desk-Lamp!", "a desk lamp")
    assert not names("desk lamps", "a desk lamp")
    assert not names("", "a desk lamp")
    assert without_article("an apple pie") == "apple pie"
    assert without_article("antique maps") == "antique maps"
