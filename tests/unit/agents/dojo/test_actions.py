from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.agents.dojo.actions import Action
from safebasin.agents.dojo.world import Dojo

DOJO = Dojo()


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ("click(3)", "click(3)"),
        ("# I click it.\nclick( 3 )", "click(3)"),
        ("  # indented\n\n  click(3)  \n", "click(3)"),
        ("click(1)\nclick(2)", "click(2)"),
        ("click(1) then back( )", "back()"),
        ("type(1,'a lamp')", 'type(1, "a lamp")'),
        ('type(2, "it\'s here")', 'type(2, "it\'s here")'),
        (r'type(2, "say \"hi\" twice")', r'type(2, "say \"hi\" twice")'),
        ("type(2, 'say \"hi\"')", r'type(2, "say \"hi\"")'),
        (r'type(2, "two\nlines")', 'type(2, "two lines")'),
        (r'type(2, "a\\b")', r'type(2, "a\\b")'),
        (r"type(2, 'ends in \\')", r'type(2, "ends in \\")'),
        ('type(1, "click(2)")', 'type(1, "click(2)")'),
        ('type(1, "# no comment")', 'type(1, "# no comment")'),
        ("open('mail')", 'open("mail")'),
        ('exit("done")', 'exit("done")'),
        ("exit()", 'exit("")'),
        ("Sure: click(2).", "click(2)"),
        ("# click(2)", None),
        ("# click(2)\nback()", "back()"),
        ("click(2)\n# click(3)", "click(2)"),
        ("", None),
        ("\n \n", None),
        ("I cannot do that.", None),
        ("click(lamp)", None),
        ("click()", None),
        ("doubleclick(2)", None),
        ("page.click(2)", None),
        ("type(1)", None),
        ('type(1, "no end)', None),
        ("open(mail)", None),
        ("click(123456)", None),
        ("Click(2)", None),
    ],
)
def test_the_last_action_outside_of_comments_counts(reply, action):
    assert DOJO.parse(reply) == action


@given(
    st.sampled_from(["click", "type", "open", "back", "exit"]),
    st.integers(0, 9999),
    st.text(st.sampled_from("\\\"'n #()"))
    | st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
)
def test_the_normal_form_is_its_own_normal_form(verb, number, text):
    action = str(Action(verb=verb, number=number, text=text))

    assert DOJO.parse(action) == action
    assert DOJO.exit_message(action) == (text if verb == "exit" else None)


@given(st.text())
def test_no_reply_makes_the_parser_raise(reply):
    action = DOJO.parse(reply)

    assert action is None or DOJO.parse(action) == action
