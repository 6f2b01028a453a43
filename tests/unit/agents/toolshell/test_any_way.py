"""Whatever an agent says: nothing raises, and the goal is judged as a second bookkeeper would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.agents.toolshell.episode import ToolshellEpisode
from safebasin.agents.toolshell.sandbox import Limits
from safebasin.agents.toolshell.world import TURNS, Toolshell
from safebasin.agents.world import KINDS, Task

from ....draws import few
from . import oracle

WORLD = Toolshell()
TASKS = [task for kind in KINDS for task in WORLD.tasks("test", kind, 26)]
LIMITS = Limits(cpu=20, wall=60.0)
LONGEST = 600
"""Characters of the longest page: 400 of output and a remark."""
PIECES = (
    "<execute>", "</execute>", "exit('bye')", 'exit("")', "# a comment", "import os", "print(1)",
    "for name in os.listdir(): print(name)", "open('a.txt', 'w').write('x')", "open('a.txt')",
    "os.mkdir('d')", "os.remove('a.txt')", "1/0", "raise SystemExit", "import mail; mail.send('')",
    "mail.send(None, 1)", "    indented", "```", "\0", "\ud800", "'", '"""', "(", "é🙂", "exit(", "exit(')", "exit(bye)",
)  # fmt: skip
WORDS = st.one_of(st.sampled_from(PIECES), st.text(max_size=8))
REPLIES = st.lists(WORDS, max_size=8).map("\n".join)


@given(REPLIES)
def test_any_reply_is_read_and_its_action_reads_as_itself(reply: str) -> None:
    action = WORLD.parse(reply)

    if action is not None:
        said = WORLD.exit_message(action)
        again = action if said is not None else f"<execute>\n{action}\n</execute>"
        assert WORLD.parse(again) == action


@few(8)
@given(task=st.sampled_from(TASKS), actions=st.lists(REPLIES, min_size=1, max_size=TURNS))
def test_no_sequence_of_texts_raises_whether_parsed_or_not(
    sandbox: None, task: Task, actions: list[str]
) -> None:
    with ToolshellEpisode(task, LIMITS) as episode:
        episode.reset()
        over = False
        for text in actions:
            step = episode.step(WORLD.parse(text) or text)

            assert step.reward in (0.0, 1.0)
            assert step.done >= over
            assert len(step.observation) <= LONGEST
            over = step.done


# --- a second bookkeeper: it knows what each move does, and what is wanted from the request alone


def parents(path: str) -> set[str]:
    return {path[:end] for end, sign in enumerate(path) if sign == "/"}


@dataclass
class Book:
    """Files, folders, modes and mails, kept beside the sandbox."""

    files: dict[str, bytes]
    modes: dict[str, int]
    folders: set[str]
    mails: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, move: Move) -> None:
        path, value = move.path, move.value
        if move.verb == "write":
            self.modes.setdefault(path, 0o644)
            self.files[path] = value
            self.folders |= parents(path)
        elif move.verb == "remove":
            self.files = {p: t for p, t in self.files.items() if path not in {p, *parents(p)}}
            self.modes = {p: mode for p, mode in self.modes.items() if p in self.files}
            self.folders = {p for p in self.folders if path not in {p, *parents(p)}}
        elif move.verb == "chmod" and path in self.files:
            self.modes[path] = value
        elif move.verb == "mail":
            self.mails.append((path, value))

    def has(self, move: Move) -> bool:
        """Return whether what a move leads to is so."""
        path, value = move.path, move.value
        if move.verb == "mail":
            return any(to == path and text.rstrip() == value.rstrip() for to, text in self.mails)
        if move.verb == "write":
            return path in self.files and self.files[path].rstrip() == value.rstrip()
        if move.verb == "remove":
            return path not in self.files and path not in self.folders
        return path in self.files and self.modes[path] & value & 0o006 == value & 0o006


@dataclass(frozen=True)
class Move:
    """One thing an agent can do: write, remove, chmod, mail, or fail."""

    verb: str
    path: str = ""
    value: Any = None

    def code(self) -> str:
        path, value, above = self.path, self.value, self.path.rpartition("/")[0]
        room = f"os.makedirs({above!r}, exist_ok=True); " if above else ""
        deed = {
            "write": f"{room}open({path!r}, 'wb').write({value!r})",
            "remove": f"shutil.rmtree({path!r}) if os.path.isdir({path!r}) else os.remove({path!r})",
            "chmod": f"os.chmod({path!r}, {value!r})",
            "mail": f"mail.send({path!r}, 'about', {value!r})",
            "fail": "1/0",
        }[self.verb]
        return f"try: {deed}\nexcept Exception as error: print(error)"


def opened(task: Task) -> Book:
    files = {path: text.encode() for path, text in oracle.start(task).items()}
    modes = {path: task.details["modes"].get(path, 0o644) for path in files}
    return Book(files, modes, folders={each for path in files for each in parents(path)})


def wanted(task: Task) -> list[Move]:
    """Return what leads from the start to what the request asks for."""
    book, end = opened(task), oracle.done(task)
    named = {word.rstrip(".,:") for word in re.findall(r"[\w./]+", task.instruction)}
    files = {path: each.content for path, each in end.entries.items() if not each.folder}
    return [
        *(Move("mail", mail.to, mail.body) for mail in end.mails),
        *(Move("write", p, text) for p, text in files.items() if book.files.get(p) != text),
        *(Move("remove", p) for p in sorted(named & {*book.files, *book.folders} - {*end.entries})),
        *(Move("chmod", path, end.entries[path].mode) for path in task.details["modes"]),
    ]


def mishaps(task: Task) -> list[Move]:
    """Return moves that nobody asked for, most of them on the files that count."""
    paths = {*oracle.start(task), *(m.path for m in wanted(task) if m.verb == "write"), "spare.txt"}
    found = [Move("fail"), *near_misses(task)]
    for path in sorted(paths):
        found += [Move("write", path, b"other words\n"), Move("remove", path)]
        found += [Move("chmod", path, mode) for mode in (0o600, 0o644, 0o666)]
    return found


def near_misses(task: Task) -> list[Move]:
    """Return moves each of which is nearly what is wanted; all of them together are not."""
    found = []
    for aim in wanted(task):
        if aim.verb == "mail":
            found += [Move("mail", "nobody@x.example", aim.value), Move("mail", aim.path, "no")]
        elif aim.verb == "write":
            found.append(Move("write", aim.path, b"other words\n"))
        elif aim.verb == "chmod":
            found.append(Move("chmod", aim.path, aim.value & ~0o004))
    return found


def test_what_is_wanted_is_not_so_at_first_and_is_so_when_done() -> None:
    for task in TASKS:
        book, moves = opened(task), wanted(task)
        assert moves
        assert not any(book.has(move) for move in moves), task
        for move in moves:
            book.keep(move)
        assert all(book.has(move) for move in moves), task


@pytest.mark.parametrize("verb", ["mail", "write", "remove", "chmod"])
@few(4)
@given(data=st.data())
def test_the_goal_holds_when_the_book_says_so_and_only_then(
    sandbox: None, verb: str, data: Any
) -> None:
    task = data.draw(st.sampled_from([t for t in TASKS if verb in {m.verb for m in wanted(t)}]))
    aims, untouched = wanted(task), opened(task).files
    for aim in aims:
        untouched = {p: t for p, t in untouched.items() if aim.verb == "chmod" or p != aim.path}
        untouched = {p: t for p, t in untouched.items() if aim.path not in parents(p)}
    move = st.one_of(st.sampled_from(aims), st.sampled_from(mishaps(task)))
    steps = data.draw(st.lists(st.lists(move, min_size=1, max_size=4), max_size=1))
    book = opened(task)
    with ToolshellEpisode(task, LIMITS) as episode:
        episode.reset()
        assert not episode.reached()
        for moves in (near_misses(task), *steps, aims):
            code = "\n".join(["import mail, os, shutil", *(each.code() for each in moves)])
            step = episode.step(code)
            for each in moves:
                book.keep(each)

            done = all(book.has(aim) for aim in aims)
            rest = all(book.files.get(path) == text for path, text in untouched.items())
            reached = episode.reached()
            assert done or not reached
            assert reached or not (done and rest)
            assert (step.reward, step.done) == (float(reached), reached)
            if step.done:
                return
