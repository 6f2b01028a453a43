"""The form of replies, as a table."""

from __future__ import annotations

import pytest
from safebasin.agents.toolshell.replies import exit_text, parse_reply


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ("# I look.\n<execute>print(1)</execute>", "print(1)"),
        ("<execute>\nprint(1)\nprint(2)\n</execute>", "print(1)\nprint(2)"),
        ("<execute>  print(1)  </execute> and more", "print(1)"),
        ("<execute>\n    if x:\n        y()\n</execute>", "if x:\n    y()"),
        ("<execute>a()</execute>\n<execute>b()</execute>", "b()"),
        ("<execute>a()</execute>\n<execute>b()", "a()"),
        ("<execute>a()</execute>\n<execute>\n</execute>", "a()"),
        ("<execute>a(\n<execute>b()</execute>", "b()"),
        ("<execute>\r\na()\r\nb()\r\n</execute>", "a()\nb()"),
        ("<execute>\n```python\na()\n```\n</execute>", "a()"),
        ("<execute># only a comment</execute>", "# only a comment"),
        ('# Done.\nexit("all done")', "exit('all done')"),
        ('  exit( "it\'s" )  ', 'exit("it\'s")'),
        ("exit()", "exit('')"),
        ('<execute>exit("bye")</execute>', "exit('bye')"),
        ('exit("first")\n<execute>a()</execute>', "a()"),
        ('<execute>a()\nexit("x")</execute>', 'a()\nexit("x")'),
        ("", None),
        ("# only a comment", None),
        ("print(1)", None),
        ("<execute>print(1)", None),
        ("print(1)</execute>", None),
        ("<execute>   </execute>", None),
        ('I would exit("now")', None),
        ("exit(1)", None),
        ("exit(name)", None),
        ('exit("a" + "b")', None),
        ("<EXECUTE>a()</EXECUTE>", None),
    ],
)
def test_a_reply_is_its_action(reply: str, action: str | None) -> None:
    assert parse_reply(reply) == action


def test_the_normal_form_leaves_with_the_same_message() -> None:
    for said in ("", "done", "it's", 'say "x"', "two\nlines", "back\\slash"):
        assert exit_text(f"exit({said!r})") == said
        assert parse_reply(f"exit({said!r})") == f"exit({said!r})"


def test_code_does_not_leave() -> None:
    assert exit_text("print(1)\nexit('x')") is None
    assert exit_text("exit('a') or exit('b')") is None
