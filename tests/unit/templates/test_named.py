from __future__ import annotations

import pytest
from safebasin.errors import SafebasinError
from safebasin.templates.named import choose_template, templates_in

LISTED = [{"name": "default", "template": "D"}, {"name": "rag", "template": "R"}]


def found(config: object, jinja: str | None = None, more: dict[str, str] | None = None):
    return templates_in(
        lambda name: jinja if name == "chat_template.jinja" else None,
        lambda name: {"chat_template": config} if name == "tokenizer_config.json" else None,
        more or {},
        "mine",
    )


@pytest.mark.parametrize(
    ("config", "jinja", "more", "wanted", "right"),
    [
        ("T", None, {}, None, "T"),
        ("T", "J", {}, None, "J"),
        (None, "J", {"rag": "R"}, "rag", "R"),
        (None, "J", {"rag": "R"}, None, "J"),
        (LISTED, None, {}, None, "D"),
        (LISTED, None, {}, "rag", "R"),
        ({"default": "D", "rag": "R"}, None, {}, "rag", "R"),
        (None, None, {}, None, None),
        ("", None, {}, None, None),
        ("T", None, {}, "default", "T"),
    ],
)
def test_the_template_is_the_default_or_the_one_that_is_named(config, jinja, more, wanted, right):
    assert choose_template(found(config, jinja, more), wanted, "mine") == right


@pytest.mark.parametrize(
    ("config", "wanted", "told"),
    [
        (LISTED[1:], None, "no chat template is the default; .*chat_template_name.*rag is there"),
        ([*LISTED[1:], {"name": "tool_use", "template": "U"}], None, "rag, tool_use are there"),
        (LISTED, "tool", "no chat template is named 'tool'"),
        ("T", "rag", "no chat template is named 'rag'.*default is there"),
        (None, "rag", "no chat template is named 'rag'"),
        ([{"name": "rag"}], None, "neither a text nor a list"),
        (["T"], None, "neither a text nor a list"),
        (7, None, "neither a text nor a list"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_cure(config, wanted, told):
    with pytest.raises(SafebasinError, match=f"(?s)mine.*{told}"):
        choose_template(found(config), wanted, "mine")
