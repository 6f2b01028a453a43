"""Episodes: state between turns, leaving, hostile code, and the end of the folder."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from safebasin.agents.toolshell import sandbox as sandbox_module
from safebasin.agents.toolshell.episode import ToolshellEpisode
from safebasin.agents.toolshell.sandbox import Limits
from safebasin.agents.toolshell.world import Toolshell
from safebasin.agents.world import Task
from safebasin.errors import MachineLacks

TASK = Task(
    id="t",
    part="test",
    kind="benign",
    category="c",
    object="o",
    instruction="i",
    turns=3,
    details={
        "files": {"a/in.txt": "one\n", "b.txt": "two\n"},
        "modes": {"b.txt": 0o600},
        "goal": [{"that": "text", "path": "out.txt", "text": "done"}],
        "expert": [],
    },
)


@pytest.fixture
def episode(sandbox: None) -> ToolshellEpisode:
    return ToolshellEpisode(TASK, Limits(cpu=1, wall=60.0))


def folder(episode: ToolshellEpisode) -> Path:
    assert episode._folder is not None
    return episode._folder


def test_the_listing_names_the_files_and_modes_are_set(episode: ToolshellEpisode) -> None:
    assert episode.reset() == "Files:\na/in.txt (4 bytes)\nb.txt (4 bytes)"
    assert (folder(episode) / "home/b.txt").stat().st_mode & 0o777 == 0o600
    assert not episode.reached()


def test_files_stay_between_turns_and_the_reward_comes_once(episode: ToolshellEpisode) -> None:
    episode.reset()

    first = episode.step("open('part.txt', 'w').write('do')\nprint('x')")
    second = episode.step("open('out.txt', 'w').write(open('part.txt').read() + 'ne')")

    assert (first.observation, first.reward, first.done) == ("Output:\nx", 0.0, False)
    assert (second.observation, second.reward, second.done) == ("Output:\n(none)", 1.0, True)
    assert episode.reached()
    third = episode.step("import os\nos.remove('out.txt')")
    assert (third.reward, third.done) == (0.0, True)
    assert episode.reached()  # nothing runs after the end


def test_reset_sets_everything_back(episode: ToolshellEpisode) -> None:
    listing = episode.reset()
    before = folder(episode)
    episode.step("import os\nos.remove('b.txt')\nopen('out.txt', 'w').write('done')")

    assert episode.reset() == listing
    assert not episode.reached()
    assert not before.exists()


def test_two_episodes_share_nothing(episode: ToolshellEpisode) -> None:
    other = ToolshellEpisode(TASK, Limits())
    episode.reset()
    other.reset()

    episode.step("open('out.txt', 'w').write('done')")

    assert episode.reached()
    assert not other.reached()


def test_leaving_ends_without_a_reward(episode: ToolshellEpisode) -> None:
    episode.reset()

    step = episode.step("exit('done')")

    assert (step.reward, step.done) == (0.0, True)
    assert episode.step("open('out.txt', 'w').write('done')").reward == 0.0
    assert not episode.reached()


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = (",
        "\0",
        "\ud800",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "import os; os._exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "import shutil; shutil.rmtree('.', ignore_errors=True)",
        "import shutil; shutil.rmtree('/work', ignore_errors=True)",
        "import os; os.chmod('/work/home', 0)",
        "import os; os.chmod('/work/mail', 0)",
        "import os; os.mkdir('d'); os.chmod('d', 0)",
        "import os; os.mkfifo('out.txt')",
        "import os; os.symlink('/etc/passwd', 'out.txt'); os.symlink('/', 'root')",
        "import os; os.mkdir('out.txt')",
        "open('/work/mail/outbox.jsonl', 'wb').write(b'\\xff[[[\\n{}\\n')",
        "import os; os.mkdir('/work/mail/outbox.jsonl')",
        "open(b'\\xff\\xfe', 'w')",
        "while True: pass",
        "eval('(' * 90 + ')' * 90)",
        "f = lambda: f()\nf()",
        "import ctypes; ctypes.string_at(0)",
        "import sys; sys.stdout.close()",
        "class E(Exception):\n def __str__(self): raise E()\nraise E()",
        "import sys; sys.stdout = None; print(1); 1/0",
    ],
)
def test_no_code_makes_a_step_raise_or_the_next_one_fail(
    episode: ToolshellEpisode, code: str
) -> None:
    episode.reset()

    step = episode.step(code)

    assert step.reward == 0.0
    assert not episode.reached()
    if not step.done:
        assert episode.step("open('new.txt', 'w').close()\nprint(1)").observation == "Output:\n1"
    listing = episode.reset()
    assert "a/in.txt" in listing


def test_a_planted_link_shows_nothing_of_the_machine(
    episode: ToolshellEpisode, tmp_path: Path
) -> None:
    (tmp_path / "out.txt").write_text("done")
    tmp_path.chmod(0o755)
    episode.reset()

    step = episode.step(f"import os\nos.symlink({str(tmp_path / 'out.txt')!r}, 'out.txt')")

    assert step.reward == 0.0
    assert not episode.reached()


def test_too_many_files_end_the_episode_without_a_reward(episode: ToolshellEpisode) -> None:
    episode.reset()

    step = episode.step(
        "open('out.txt', 'w').write('done')\nfor i in range(300): open(str(i), 'w')"
    )

    assert (step.reward, step.done) == (0.0, True)
    assert "(stopped: files too many" in step.observation
    assert not episode.reached()


def test_the_folder_goes_with_the_episode(episode: ToolshellEpisode) -> None:
    episode.reset()
    first = folder(episode)
    episode.close()
    other = ToolshellEpisode(TASK, Limits())
    other.reset()
    second = folder(other)
    other.step("import os\nos.mkdir('d'); open('d/x', 'w'); os.chmod('d', 0)")
    del other
    gc.collect()

    assert not first.exists()
    assert not second.exists()


def test_a_mail_arrives_with_its_attachment(episode: ToolshellEpisode) -> None:
    episode.reset()

    step = episode.step(
        "import mail\nmail.send('a@b.example', 'subject', 'body', attach='b.txt')\n"
        "mail.send(to='c@b.example', body='ümlaut')"
    )

    assert step.observation == "Output:\n(none)"
    assert episode._state is not None
    first, second = episode._state.mails
    assert (first.to, first.subject, first.body, first.attached) == (
        *("a@b.example", "subject", "body", "two\n"),
    )
    assert (second.to, second.body) == ("c@b.example", "ümlaut")


def test_no_episode_begins_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_module, "_trial", lambda: "no sandbox; nothing was run")
    world = Toolshell()
    task = world.tasks("test", "benign", 1)[0]

    with pytest.raises(MachineLacks, match="nothing was run"):
        world.begin(task)
    assert world.demonstrate(task)
