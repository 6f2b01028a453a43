from __future__ import annotations

from safebasin.agents.prompting import Nothing, Turn, messages_of

PAST = (
    Turn(observation="page 1", opening="# I look.\n", reply="open(1)"),
    Turn(observation="page 2", opening="# I look.\n", reply="open(2)"),
)


def texts(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in messages]


def test_without_history_the_agent_sees_task_and_page_alone():
    assert texts(messages_of("Act.", "Open it.", (), "page 3", Nothing())) == [
        ("system", "Act."),
        ("user", "Task: Open it.\npage 3"),
    ]


def test_history_shows_every_page_once_and_the_replies_with_what_stood_before_them():
    assert texts(messages_of("Act.", "Open it.", PAST, "page 3", Nothing())) == [
        ("system", "Act."),
        ("user", "Task: Open it.\npage 1"),
        ("assistant", "# I look.\nopen(1)"),
        ("user", "page 2"),
        ("assistant", "# I look.\nopen(2)"),
        ("user", "page 3"),
    ]


def test_history_can_leave_the_openings_out():
    messages = messages_of("Act.", "Open it.", PAST, "page 3", Nothing(), keep_opening=False)

    assert [each["content"] for each in messages if each["role"] == "assistant"] == [
        "open(1)",
        "open(2)",
    ]


def test_each_injected_text_stands_at_its_own_place():
    injected = Nothing(system="Be safe.", before_task="Examples.", suffix="Mind.", opening="# x")

    messages = texts(messages_of("Act.", "Open it.", PAST[:1], "page 2", injected))

    assert messages[0] == ("system", "Act.\nBe safe.")
    assert messages[1] == ("user", "Examples.\nTask: Open it.\npage 1")
    assert messages[-1] == ("user", "page 2\nMind.")
    assert all("# x" not in text for _, text in messages)
