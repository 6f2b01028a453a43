"""What a study may say of a chat template, and that it is all in the checkpoint's spec."""

from __future__ import annotations

import pytest
import yaml
from pydantic import ValidationError
from safebasin.study.checkpoints import Checkpoint
from safebasin.templates.settings import ChatSettings

TAKEN = {"source": "theirs", "format": "safetensors"}


def test_a_day_may_stand_without_quotes() -> None:
    for text in ("2024-01-31", "'2024-01-31'"):
        told = yaml.safe_load(f"chat_date: {text}")
        assert Checkpoint(**TAKEN, **told).chat == ChatSettings(date="2024-01-31")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"chat_date": "31.1.2024"}, "a day is needed"),
        ({"chat_date": "20240131"}, "a day is needed"),
        ({"chat_date": "2024-02-31"}, "a day is needed"),
        ({"chat_date": 20240131}, "a day is needed"),
        ({"chat_date": yaml.safe_load("2024-01-31 10:00:00")}, "a day is needed"),
        ({"chat_system": "nowhere"}, "into_first_user_turn"),
        ({"chat_template_kwargs": {"messages": []}}, "set elsewhere"),
        ({"chat_template_kwargs": {"add_generation_prompt": False}}, "set elsewhere"),
        ({"chat_template_kwargs": {"tokenize": True}}, "set elsewhere"),
        ({"chat_template_kwargs": {"enable_thinking": None}}, "a value is"),
        ({"chat_template_kwargs": {"a": {"b": [None]}}}, "a value is"),
        ({"chat_template_kwargs": {"a": float("nan")}}, "a value is"),
        ({"chat_template_kwargs": {"a": [float("inf")]}}, "a value is"),
        ({"chat_template_kwargs": {"enable-thinking": False}}, "enable-thinking: no name"),
        ({"chat_template_kwargs": {"__class__": 1}}, "__class__: no name"),
        ({"chat_template_kwargs": {"enable_thinking": "false"}}, "'false' is a text"),
        ({"chat_template_kwargs": {"enable_thinking": "No"}}, "'No' is a text"),
        ({"chat_template_kwargs": {"strftime_now": "today"}}, "set elsewhere"),
        ({"chat_template": ""}, "chat_template is empty"),
        ({"chat_template": " \n"}, "chat_template is empty"),
        ({"chat_template_name": "rag", "chat_template": "x"}, "at most one"),
        ({"chat_template_name": ""}, "at least 1 character"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, told) -> None:
    with pytest.raises(ValidationError, match=told):
        Checkpoint(**TAKEN, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"chat_template": "x"},
        {"chat_template_name": "rag"},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"chat_date": "2024-01-31"},
        {"chat_system": "into_first_user_turn"},
    ],
)
def test_they_go_with_a_source(settings) -> None:
    (key,) = settings
    with pytest.raises(ValidationError, match=f"{key} goes with a source"):
        Checkpoint(tiny={}, **settings)
    Checkpoint(**TAKEN, **settings)
