from __future__ import annotations

import random
import re
from itertools import product

from safebasin.guards.generators.generator import Exemplar, Feedback, load_generator
from safebasin.guards.generators.grammar import (
    FORMS,
    GrammarGenerator,
    _sentence,
    _slots,
    read_back,
    safety_sentences,
)

GOLDEN = "# Being an honest assistant, I take care of normal errands right away, and I leave undone what would endanger somebody, whoever asks me for it."


def exemplar(text: str) -> Exemplar:
    return Exemplar(text=text, perf=1.0, refusal=0.5, overall=1.5)


def regular(help: str, refuse: str, role: str = "an ethical agent") -> str:
    return f"# As {role}, I {help} and {refuse}."


def feedback_of(overall, perf, refusal) -> Feedback:
    return Feedback(
        best_overall=[exemplar(text) for text in overall],
        best_perf=[exemplar(text) for text in perf],
        best_refusal=[exemplar(text) for text in refusal],
    )


def test_equal_seed_round_and_feedback_give_equal_sentences():
    feedback = feedback_of(safety_sentences(3, 0), safety_sentences(3, 1), safety_sentences(3, 2))
    for given in (None, feedback):
        said = GrammarGenerator(4).propose(5, given, 2)

        assert said == GrammarGenerator(4).propose(5, given, 2)
        assert said != GrammarGenerator(5).propose(5, given, 2)
        assert said != GrammarGenerator(4).propose(5, given, 3)


def test_a_generator_holds_no_state():
    generator = GrammarGenerator(0)
    generator.propose(5, None, 1)

    assert generator.propose(5, None, 2) == GrammarGenerator(0).propose(5, None, 2)


def test_the_first_sentence_of_seed_zero_is_the_recorded_one():
    # Golden: random.Random of a string is the same on every machine and Python from 3.2 on.
    assert GrammarGenerator(0).propose(1, None, 1)[0].text == GOLDEN


def test_the_grammar_has_more_than_two_thousand_sentences_of_both_halves():
    slots = _slots()
    texts = {regular(*parts) for parts in product(slots["help"], slots["refuse"], slots["role"])}

    assert len(texts) * len(slots["tone"]) > 2000
    assert len(set(safety_sentences(2500, 0))) == 2500


def test_every_sentence_is_one_comment_in_the_first_person_of_15_to_35_words():
    draw = random.Random(0)
    for form in FORMS:
        for _ in range(1500):
            text = str(_sentence(draw, form))

            assert re.fullmatch(r"# [A-Z][^\n.#]+\.", text), text
            assert re.search(r"\bI\b", text), text
            assert 15 <= len(text.split()) - 1 <= 35, text


def test_most_sentences_have_both_halves_and_some_lack_one_or_refuse_at_once():
    slots = _slots()
    texts = [
        each.text for round in range(1, 401) for each in GrammarGenerator(1).propose(5, None, round)
    ]
    helps = [any(clause in text for clause in slots["help"]) for text in texts]
    refuses = [any(clause in text for clause in slots["refuse"]) for text in texts]
    opens = [text.startswith(tuple(f"# {each}" for each in slots["opening"])) for text in texts]
    share = len(texts) / 100

    assert 75 < sum(h and r for h, r in zip(helps, refuses, strict=True)) / share < 85
    assert 5 < sum(h and not r for h, r in zip(helps, refuses, strict=True)) / share < 11
    assert 3 < sum(opens) / share < 9


def test_a_round_repeats_no_sentence():
    for round in range(1, 50):
        texts = [each.text for each in GrammarGenerator(0).propose(20, None, round)]

        assert len(set(texts)) == 20


def test_a_round_bred_from_one_parent_repeats_neither_it_nor_itself():
    parent = safety_sentences(1, 0)[0]
    feedback = feedback_of([parent], [parent], [parent])
    for round in range(1, 20):
        texts = [each.text for each in GrammarGenerator(0).propose(20, feedback, round)]

        assert len({*texts, parent}) == 21


def test_a_sentence_reads_back_into_its_clauses():
    draw = random.Random(0)
    for _ in range(500):
        sentence = _sentence(draw, "both")
        found = read_back(str(sentence))

        assert found["help"] == sentence.help
        assert found["refuse"] == sentence.refuse
        assert found["role"] == sentence.role
        assert found.get("tone", "") == sentence.tone
    assert read_back("# Some other words.") == {}


def test_no_clause_is_part_of_another_of_its_list():
    for slot in ("role", "help", "refuse"):
        clauses = _slots()[slot]
        assert not [(a, b) for a in clauses for b in clauses if a != b and a in b]


def test_with_feedback_the_halves_come_from_the_parents_that_are_named():
    helper = regular("do the tasks that benefit the user", "take no part in abuse or crime")
    refuser = regular(
        "fulfil requests that respect other people", "decline harmful or unethical ones"
    )
    feedback = feedback_of([], [helper], [refuser])

    made = [
        each for round in range(1, 101) for each in GrammarGenerator(0).propose(3, feedback, round)
    ]
    bred = [each for each in made if each.parents]
    both = [
        each
        for each in bred
        if "benefit the user" in each.text and "harmful or unethical" in each.text
    ]

    assert all(each.parents == (helper, refuser) for each in bred)
    assert 0.75 < len(bred) / len(made) < 0.95
    assert 0.5 < len(both) / len(bred) < 0.85
    assert not {each.text for each in made} & {helper, refuser}


def test_feedback_in_foreign_words_still_gives_sentences():
    feedback = feedback_of(["# Foreign words."], [], ["# More of them."])

    made = GrammarGenerator(0).propose(5, feedback, 1)

    assert len({each.text for each in made}) == 5
    assert all(each.source == "grammar" for each in made)


def test_the_grammar_is_loaded_by_name_and_says_what_it_is():
    generator = load_generator({"type": "grammar", "seed": 3})

    assert generator.reproducible is True
    assert generator.description == {"type": "grammar", "seed": 3}
    assert generator.propose(2, None, 1) == GrammarGenerator(3).propose(2, None, 1)
