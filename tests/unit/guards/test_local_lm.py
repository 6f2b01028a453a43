from __future__ import annotations

from collections import Counter

import pytest
from safebasin.guards.generators import local_lm
from safebasin.guards.generators.generator import GeneratorContext, load_generator
from safebasin.guards.generators.grammar import GrammarGenerator
from safebasin.guards.generators.local_lm import sample


@pytest.fixture(scope="module")
def loaded(tiny):
    import torch
    from safebasin.models.load import load_model

    return load_model(tiny, device=torch.device("cpu"), precision="float32")


def generator(loaded, **settings):
    context = GeneratorContext(model=loaded)
    return load_generator({"type": "local_lm", "max_new_tokens": 12, **settings}, context)


def test_a_model_that_keeps_no_form_is_filled_up_by_the_grammar(loaded):
    made = generator(loaded).propose(4, None, 1)

    assert made == GrammarGenerator(0).propose(4, None, 1)
    assert {each.source for each in made} == {"grammar"}


def test_marked_lines_come_before_the_grammars(loaded, monkeypatch):
    reply = "PREFIX: # I do the useful ones.\nno mark\nPREFIX: # I do them all again."
    monkeypatch.setattr(
        local_lm,
        "sample",
        lambda *_, **__: loaded.tokenizer(reply, add_special_tokens=False).input_ids,
    )

    made = generator(loaded).propose(4, None, 1)

    assert [each.text for each in made[:2]] == ["# I do the useful ones.", "# I do them all again."]
    assert [each.source for each in made] == ["local_lm", "local_lm", "grammar", "grammar"]
    assert len(generator(loaded).propose(1, None, 1)) == 1


def test_equal_seeds_sample_equal_tokens_and_leave_the_global_generator_alone(loaded):
    import torch

    def said(seed):
        return sample(loaded, [5, 6, 7], frozenset(), longest=20, temperature=0.7, seed=seed)

    before = torch.random.get_rng_state()

    assert said("one") == said("one") != said("two")
    assert len(said("one")) == 20
    assert torch.equal(torch.random.get_rng_state(), before)


def test_first_tokens_are_drawn_with_the_models_probabilities(loaded):
    import torch

    temperature, draws = 0.7, 400
    with torch.inference_mode():
        logits = loaded.model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1].double()
    chances = torch.softmax(logits / temperature, dim=-1)

    drawn = Counter(
        sample(loaded, [5, 6, 7], frozenset(), longest=1, temperature=temperature, seed=str(n))[0]
        for n in range(draws)
    )

    # The half of the probability that the likeliest tokens hold: within five standard deviations.
    order = chances.argsort(descending=True).tolist()
    half = [token for place, token in enumerate(order) if chances[order[:place]].sum() < 0.5]
    expected = float(chances[half].sum())
    spread = (expected * (1 - expected) / draws) ** 0.5
    assert abs(sum(drawn[token] for token in half) / draws - expected) < 5 * spread


def test_later_tokens_follow_from_all_before(loaded):
    import torch

    said = sample(loaded, [5, 6, 7], frozenset(), longest=6, temperature=1e-4, seed="cold")
    greedy = [5, 6, 7]
    for _ in range(6):
        with torch.inference_mode():
            logits = loaded.model(input_ids=torch.tensor([greedy])).logits[0, -1]
        greedy.append(int(logits.argmax()))

    assert said == greedy[3:]


def test_the_end_of_turn_stops_and_is_not_said(loaded):
    every = sample(loaded, [5, 6, 7], frozenset(), longest=9, temperature=0.7, seed="a")
    end = every[-1]

    said = sample(loaded, [5, 6, 7], frozenset({end}), longest=9, temperature=0.7, seed="a")

    assert said == every[: every.index(end)]


def test_an_end_of_turn_in_words_stops_too(loaded):
    every = sample(loaded, [5, 6, 7], frozenset(), longest=9, temperature=0.7, seed="a")

    said = sample(
        loaded,
        [5, 6, 7],
        frozenset(),
        has_ended=lambda tokens: len(tokens) == 4,
        longest=9,
        temperature=0.7,
        seed="a",
    )

    assert said == every[:4]
