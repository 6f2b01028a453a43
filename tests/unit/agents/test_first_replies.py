"""Pages that are read once are replied to as pages that are read anew, by a real model."""

from __future__ import annotations

import pytest
import torch
from safebasin.agents.dojo.world import Dojo
from safebasin.agents.first_pages import first_page_prompts
from safebasin.agents.first_replies import FirstPages, first_replies
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings
from safebasin.agents.scoring import PrefixScorer
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.models.chat import ChatFormat
from safebasin.models.device import seeded
from safebasin.models.load import LoadedModel
from safebasin.models.tiny import train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

DOJO = Dojo()
TASKS = choose_tasks(DOJO, "search", TaskCounts(harmful=3, benign=3))
OPENINGS = ("# I look at the page first.\n", "", "I cannot", "\n\n", " half", "# Ünïcode … 🙂\n")


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    """A small model whose words hang on everything before them; one of small weights only repeats."""
    config = LlamaConfig(
        vocab_size=320, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, initializer_range=0.4,
        bos_token_id=0, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    with seeded(2):
        model = LlamaForCausalLM(config).eval().requires_grad_(False)
    return LoadedModel(model=model, tokenizer=train_tokenizer(320), device=torch.device("cpu"))


@pytest.mark.parametrize("batch_size", [6, 4], ids=["one batch", "more than a batch"])
def test_replies_after_any_opening_are_those_to_pages_read_anew(
    loaded: LoadedModel, batch_size: int
) -> None:
    pages = FirstPages(loaded, DOJO, TASKS, batch_size)
    said: set[str] = set()

    for opening in OPENINGS:
        replies = pages.replies(opening, 6)
        said |= {each.text for each in replies}
        assert replies == first_replies(
            loaded,
            DOJO,
            TASKS,
            Nothing(opening=opening),
            max_new_tokens=6,
            batch_size=batch_size,
        )

    assert len(said) > len(OPENINGS) * len(TASKS) / 2, "page and opening should tell in the reply"


def test_a_scorer_reads_the_pages_once_for_all_its_candidates(loaded: LoadedModel) -> None:
    chat = ChatFormat(loaded.tokenizer)
    pages = first_page_prompts(chat, DOJO, TASKS, Nothing())
    settings = RolloutSettings(max_new_tokens=1, batch_size=len(TASKS))
    scorer = PrefixScorer(loaded, DOJO, TASKS, settings, refuses=lambda *_: False)
    candidates = ("# One.\n", "# Another one.\n", "# One of many.\n")
    fed: list[tuple[int, int]] = []
    hook = loaded.model.get_input_embeddings().register_forward_pre_hook(
        lambda module, given: fed.append(tuple(given[0].shape))
    )

    for candidate in candidates:
        scorer.score(candidate)
    hook.remove()

    (_, head), *pieces = fed[: -len(candidates)]
    assert sum(rows for rows, _ in pieces) == len(pages)
    assert max(head + width for _, width in pieces) == max(len(page) for page in pages)
    tails = fed[-len(candidates) :]
    assert tails == [(len(pages), chat.count(candidate)) for candidate in candidates]
