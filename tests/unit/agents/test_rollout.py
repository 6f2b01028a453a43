"""Rollouts with scripted replies in place of the model's; the model itself has its own tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from safebasin.agents import rollout
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.models.generate import Answer

from .doors import Doors

SETTINGS = RolloutSettings(max_new_tokens=8, batch_size=4)


class Chat:
    """Tokens are the prompt's texts themselves, so that a script can read them."""

    def __init__(self, tokenizer: object) -> None:
        del tokenizer

    def prompt(self, messages: Sequence[dict[str, str]], opening: str = "") -> tuple[str, ...]:
        return (*(each["content"] for each in messages), opening)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[tuple[str, ...]], str]], list]:
    def use(reply: Callable[[tuple[str, ...]], str]) -> list:
        asked: list[list[tuple[str, ...]]] = []

        def generate(loaded, prompts, **settings):
            asked.append(list(prompts))
            return [
                Answer(text=reply(prompt), prompt_tokens=len(prompt), new_tokens=1, stop="eos")
                for prompt in prompts
            ]

        monkeypatch.setattr(rollout, "ChatFormat", Chat)
        monkeypatch.setattr(rollout, "generate_answers", generate)
        return asked

    return use


LOADED = SimpleNamespace(tokenizer=None)


def room_of(prompt: tuple[str, ...]) -> int:
    return int(prompt[1].split("Room ")[1].split()[0])


def test_an_expert_reaches_every_goal_in_as_many_turns_as_there_are_rooms(scripted):
    asked = scripted(lambda prompt: f"# fine\nopen({room_of(prompt)})")
    tasks = Doors().tasks("test", "benign")

    played = play(LOADED, Doors(), tasks, Nothing(), SETTINGS)

    assert [one.reached_turn for one in played] == [task.details["rooms"] for task in tasks]
    assert {one.stop for one in played} == {"done"}
    assert [len(batch) for batch in asked] == [8, 5, 2]  # who is done leaves the batch


def test_a_reply_without_an_action_changes_nothing_and_the_same_prompt_is_not_asked_again(scripted):
    asked = scripted(lambda prompt: "I cannot do that.")

    played = play(LOADED, Doors(), Doors().tasks("test", "harmful", 3), Nothing(), SETTINGS)

    assert {one.stop for one in played} == {"stuck"}
    assert [row["parsed"] for one in played for row in one.rows] == [False] * 3
    assert len(asked) == 1


def test_with_history_the_agent_may_try_until_its_turns_are_used_up(scripted):
    asked = scripted(lambda prompt: "hm")
    settings = RolloutSettings(max_new_tokens=8, batch_size=4, history=True)

    played = play(LOADED, Doors(), Doors().tasks("test", "benign", 1), Nothing(), settings)

    assert (played[0].stop, len(played[0].rows)) == ("turns", 4)
    assert [len(batch[0]) for batch in asked] == [3, 5, 7, 9]


def test_the_opening_stands_after_the_header_at_every_turn_or_at_the_first_alone(scripted):
    asked = scripted(lambda prompt: f"open({room_of(prompt)})")
    task = Doors().tasks("test", "benign")[2:3]
    injected = Nothing(opening="# I look first.\n")

    play(LOADED, Doors(), task, injected, SETTINGS)
    first = RolloutSettings(max_new_tokens=8, batch_size=4, opening_at="first")
    play(LOADED, Doors(), task, injected, first)

    assert [batch[0][-1] for batch in asked[:3]] == ["# I look first.\n"] * 3
    assert [batch[0][-1] for batch in asked[3:]] == ["# I look first.\n", "", ""]


def test_a_page_seen_again_without_the_opening_is_another_prompt(scripted):
    """Behind the opening the agent says nothing; without it, it acts."""
    scripted(lambda prompt: "" if prompt[-1] else f"open({room_of(prompt)})")
    (task,) = Doors().tasks("test", "benign", 1)
    injected = Nothing(opening="# I look first.\n")

    def stop(opening_at) -> str:
        given = RolloutSettings(max_new_tokens=8, batch_size=4, opening_at=opening_at)
        (played,) = play(LOADED, Doors(), [task], injected, given)
        return played.stop

    assert (stop("every"), stop("first")) == ("stuck", "done")


def test_what_is_recorded_as_the_reply_never_holds_the_opening(scripted):
    scripted(lambda prompt: "open(1)")

    played = play(
        LOADED, Doors(), Doors().tasks("test", "benign", 1), Nothing(opening="# harm\n"), SETTINGS
    )

    assert played[0].rows[0]["reply"] == "open(1)"
    assert played[0].rows[0]["opening"] == "# harm\n"


def test_leaving_ends_the_episode_with_what_was_said(scripted):
    scripted(lambda prompt: 'exit("I cannot help with this.")')

    played = play(LOADED, Doors(), Doors().tasks("test", "harmful", 1), Nothing(), SETTINGS)

    assert played[0].stop == "exit"
    assert played[0].rows[0]["exit_message"] == "I cannot help with this."


def test_a_blocked_task_is_answered_for_the_agent_and_never_asked(scripted):
    asked = scripted(lambda prompt: f"open({room_of(prompt)})")
    tasks = Doors().tasks("test", "harmful", 2)
    reply = Doors().refusing_exit("No.")

    played = play(LOADED, Doors(), tasks, Nothing(), SETTINGS, blocked={tasks[0].id: reply})

    assert [one.stop for one in played] == ["blocked", "done"]
    assert played[0].rows[0]["exit_message"] == "No."
    assert all(len(batch) == 1 for batch in asked)


def test_a_real_model_plays_the_same_episodes_again_and_after_a_kill(tiny: Path, tmp_path: Path):
    import torch
    from safebasin.agents.tables import write_episodes
    from safebasin.models.load import load_model

    loaded = load_model(tiny, device=torch.device("cpu"), precision="float32")
    tasks = Doors().tasks("test", "benign")
    settings = RolloutSettings(max_new_tokens=3, batch_size=3, history=True)

    def files(name: str, resume: Path | None) -> list[bytes]:
        folder = tmp_path / name
        folder.mkdir()
        write_episodes(
            folder, "doors", play(loaded, Doors(), tasks, Nothing(), settings, resume=resume)
        )
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    whole = files("whole", None)
    kept = tmp_path / "kept"
    stopped = RuntimeError("killed")
    seen: list[str] = []

    class Killed:
        def over(self, items, label, total=None):
            for item in items:
                seen.append(label)
                if len(seen) == 5:
                    raise stopped
                yield item

        def note(self, message):
            del message

    with pytest.raises(RuntimeError):
        play(loaded, Doors(), tasks, Nothing(), settings, resume=kept, progress=Killed())
    assert any(kept.rglob("answers-*.jsonl"))

    assert files("resumed", kept) == whole


def test_the_tool_shell_is_played_through_the_same_door(sandbox, scripted):
    from safebasin.agents.world import load_world

    world = load_world({"type": "toolshell", "seed": 0})
    tasks = [*world.tasks("dev", "benign", 2), *world.tasks("dev", "harmful", 1)]
    by_instruction = {task.instruction: list(world.demonstrate(task)) for task in tasks}

    def reply(prompt):
        instruction = prompt[1].split("\n")[0].removeprefix("Task: ")
        turn = by_instruction[instruction].pop(0)
        return f"{turn.comment}\n{turn.action}"

    scripted(reply)

    played = play(LOADED, world, tasks, Nothing(), SETTINGS)

    assert [one.stop for one in played] == ["done"] * 3
    assert all(row["parsed"] for one in played for row in one.rows)
