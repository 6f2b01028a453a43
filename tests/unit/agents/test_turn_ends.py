"""An agent's turns end as its template ends them, whatever its tokenizer calls the end of a text."""

from __future__ import annotations

import re

import pytest
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.models.chat_template import mark
from safebasin.models.tiny import CHAT_TEMPLATE
from safebasin.templates.settings import ChatSettings

from ..templates.families import GEMMA, WORDS
from .doors import Doors
from .scripted_model import scripted

LONG = Doors().tasks("test", "benign", 3)[2:]


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize(
    ("template", "end", "system"),
    [
        (CHAT_TEMPLATE, "<|im_end|>", "own_role"),
        (WORDS, " END OF TURN", "own_role"),
        (GEMMA, "<end_of_turn>", "into_first_user_turn"),
    ],
)
def test_what_is_said_after_the_end_of_a_turn_is_not_heard(template, end, system, history) -> None:
    loaded = scripted(
        lambda text: f"open({re.findall('Room ([0-9])', text)[-1]}){end}open(9)", template
    )
    loaded.tokenizer.eos_token = "<|pad|>"
    mark(loaded.tokenizer, ChatSettings(system=system))
    rollout = RolloutSettings(max_new_tokens=40, batch_size=2, history=history)

    (played,) = play(loaded, Doors(), LONG, Nothing(), rollout)

    assert played.stop == "done"
    assert [row["reply"] for row in played.rows] == ["open(1)", "open(2)", "open(3)"]
    assert {row["stop_reason"] for row in played.rows} == {"eos"}
    assert Doors().system in str(played.rows[0]["messages"])
    assert all(Doors().system in text for text in loaded.model.asked)
