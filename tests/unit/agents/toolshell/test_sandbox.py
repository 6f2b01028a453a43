"""Each escape is tried for real; what was tried must have failed and left nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from safebasin.agents.toolshell import sandbox as module
from safebasin.agents.toolshell.sandbox import CODE_BYTES, run_code
from safebasin.agents.toolshell.seccomp import system_call_filter
from safebasin.errors import MachineLacks

from .conftest import Shell


def attempt(*lines: str) -> str:
    """Return code that runs each line and prints its value or the error's type."""
    return "\n".join(
        ["import ctypes, os, socket", "libc = ctypes.CDLL(None, use_errno=True)"]
        + [
            f"try: print({line})\nexcept BaseException as e: print(type(e).__name__)"
            for line in lines
        ]
    )


def test_code_runs_and_its_files_stay(shell: Shell) -> None:
    first = shell.run("open('kept.txt', 'w').write('here')\nprint('one')")
    second = shell.run("print(open('kept.txt').read())")

    assert (first.output, first.ended) == ("one", "finished")
    assert second.output == "here"
    assert (shell.home / "kept.txt").read_text() == "here"


def test_there_is_no_network_not_even_this_machine(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = shell.run(
            attempt(f"socket.create_connection(('127.0.0.1', {port}), 1)")
            + "\nprint(libc.socket(40, 1, 0), ctypes.get_errno())"  # VSOCK ignores name spaces
        )

    assert seen.output.split("\n") == ["PermissionError", "-1 1"]


def test_it_has_name_spaces_and_a_user_of_its_own(shell: Shell) -> None:
    code = "import os, time\nopen('up', 'w')\nwhile not os.path.exists('seen'): time.sleep(0.01)"
    runner = threading.Thread(target=shell.run, args=(code,))
    runner.start()
    while not (shell.home / "up").exists() and runner.is_alive():
        time.sleep(0.01)
    inside = shell.processes()
    spaces = {
        name: {Path(f"/proc/{pid}/ns/{name}").readlink() for pid in inside}
        for name in ("net", "pid", "mnt", "ipc", "uts")
    }
    users = {Path(f"/proc/{pid}").stat().st_uid for pid in inside}
    (shell.home / "seen").touch()
    runner.join()

    assert inside

    for name, found in spaces.items():
        assert len(found) == 1
        assert found != {Path(f"/proc/self/ns/{name}").readlink()}
    assert 0 not in users


def test_nothing_of_the_machine_is_to_be_read(shell: Shell, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    Path("/dev/shm/safebasin-toolshell-test").write_text("secret")
    places = [str(secret), __file__, "/etc/passwd", "/proc/self/environ", "/proc/1/cmdline"]
    places += ["/dev/shm/safebasin-toolshell-test", "/dev/mem", "/sys/kernel/profiling"]
    try:
        seen = shell.run(attempt(*(f"open({place!r}).read()" for place in places)))
    finally:
        Path("/dev/shm/safebasin-toolshell-test").unlink()

    assert set(seen.output.split("\n")) == {"FileNotFoundError"}
    listing = shell.run("import os\nprint(*os.listdir('/'), *os.listdir('/work'))").output
    assert set(listing.split()) <= {
        *("dev", "lib", "lib64", "python", "usr", "work", "home", "mail")
    }


def test_nothing_can_be_written_but_in_the_two_folders(shell: Shell) -> None:
    folders = ("/", "/work", "/usr", "/usr/lib", "/python", "/python/lib", "/dev")
    seen = shell.run(attempt(*(f"open({folder + '/new'!r}, 'w')" for folder in folders)))

    assert seen.output.split("\n") == ["OSError"] * len(folders)


def test_the_environment_is_empty(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFEBASIN_TEST_TOKEN", "secret")

    seen = shell.run("import os\nprint(*sorted(os.environ))")

    assert set(seen.output.split()) <= {*("LC_CTYPE", "LD_LIBRARY_PATH", "PWD", "PYTHONHASHSEED")}


def test_rights_cannot_be_regained(shell: Shell) -> None:
    seen = shell.run(
        attempt(
            "os.geteuid() != 0",
            "os.setuid(0)",
            "os.chroot('/work')",
            "libc.unshare(0x10000000)",  # a user name space of its own
            "libc.mount(b'none', b'/work/home', b'tmpfs', 0, None)",
            "libc.shmget(0, 1 << 30, 0o1600)",
            "libc.ptrace(16, 1, 0, 0)",
            "libc.prctl(39, 0, 0, 0, 0)",  # no new privileges
            "__import__('resource').setrlimit(7, (999, 999))",
        )
    )

    assert seen.output.split("\n") == [
        *("True", seen.output.split("\n")[1], "PermissionError"),
        *("-1", "-1", "-1", "-1", "1", "ValueError"),
    ]
    assert seen.output.split("\n")[1] in {"PermissionError", "OSError"}


def test_a_fork_bomb_stays_small_and_is_gone_at_the_end(shell: Shell) -> None:
    most = 0
    done = threading.Event()

    def count() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, len(shell.processes()))

    watcher = threading.Thread(target=count)
    watcher.start()
    seen = shell.run(
        "import os\nwhile True:\n try: os.fork()\n except OSError: pass", cpu=1, wall=2.0
    )
    done.set()
    watcher.join()

    assert seen.ended in {"time", "killed"}
    assert most <= 10  # the limit of eight, bubblewrap's own just before it becomes Python
    assert not shell.processes()


def test_a_background_process_ends_with_its_step(shell: Shell) -> None:
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "  os.setsid()\n"
        "  if os.fork() == 0:\n"
        "    while True:\n"
        "      open('tick', 'a').write('x'); time.sleep(0.01)\n"
        "  os._exit(0)\n"
        "while not os.path.exists('tick'): time.sleep(0.01)\n"
        "print('left')"
    )

    seen = shell.run(code)
    size = (shell.home / "tick").stat().st_size
    time.sleep(0.1)

    assert (seen.output, seen.ended) == ("left", "finished")
    assert size > 0
    assert (shell.home / "tick").stat().st_size == size
    assert not shell.processes()


def test_killing_the_parent_and_everybody_harms_only_itself(shell: Shell) -> None:
    bystander = subprocess.Popen(["sleep", "20"])
    try:
        seen = shell.run(
            "import os, signal\n"
            f"for pid in (os.getppid(), {os.getpid()}, {bystander.pid}, -1):\n"
            " try: os.kill(pid, signal.SIGKILL)\n"
            " except OSError as e: print(type(e).__name__)\n"
            "print('still here')"
        )
        alive = bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()

    assert alive
    assert "ProcessLookupError" in seen.output or "PermissionError" in seen.output
    assert shell.run("print(1)").output == "1"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = bytearray(10**9)", "MemoryError"),
        ("x = []\nwhile True: x.append(bytearray(10**6))", "MemoryError"),
        ("open('big', 'wb').write(b'x' * 10**7)", "OSError"),
        ("open('sparse', 'wb').truncate(10**9)", "OSError"),
        ("import os\nfiles = [os.dup(1) for _ in range(99)]", "OSError"),
    ],
)
def test_memory_file_size_and_open_files_are_limited(shell: Shell, code: str, error: str) -> None:
    seen = shell.run(code)

    assert seen.output.startswith(error)
    assert all(file.stat().st_size <= 2**18 for file in shell.home.iterdir())


def test_an_endless_loop_and_an_endless_sleep_are_stopped(shell: Shell) -> None:
    assert shell.run("while True: pass", cpu=1).ended == "killed"
    assert shell.run("import time\ntime.sleep(60)", wall=0.5).ended == "time"
    silent = "import os, time\nos.close(1); os.close(2)\ntime.sleep(60)"
    assert shell.run(silent, wall=0.5).ended == "time"


def test_many_files_together_are_limited(shell: Shell) -> None:
    small = "import os\nfor i in range(10**6): open(str(i), 'w').close()"
    large = "for i in range(10**6): open(str(i % 150), 'wb').write(b'x' * 200000)"
    deep = "import os\nfor i in range(10**6):\n os.mkdir('d'); os.chdir('d')"

    assert shell.run(small).ended == "space"
    subprocess.run(["find", str(shell.home), "-mindepth", "1", "-delete"], check=True)
    assert shell.run(large).ended == "space"
    subprocess.run(["find", str(shell.home), "-mindepth", "1", "-delete"], check=True)
    assert shell.run(deep).ended == "space"
    subprocess.run(["rm", "-rf", "--", str(shell.home)], check=True)


def test_memory_of_all_processes_together_is_limited(shell: Shell) -> None:
    code = (
        "import os, time\nfor _ in range(5):\n    if not os.fork(): break\n"
        "hoard = bytearray(100 * 2**20)\nhoard[::4096] = b'x' * len(hoard[::4096])\n"
        "open('alive', 'w').close()\ntime.sleep(60)"
    )
    seen = shell.run(code, group_memory=300 * 2**20)

    assert seen.ended == "memory"
    assert not shell.processes()


def test_processes_within_their_memory_run_to_their_end(shell: Shell) -> None:
    code = "import os\nfor _ in range(5):\n    if not os.fork(): os._exit(0)\nprint('done')"

    assert shell.run(code).output == "done"


def test_code_that_fills_its_folder_before_its_output_is_read_has_run(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weigh(folder: Path) -> None:
        while not (shell.home / "made").exists():
            os.sched_yield()
        raise module.TooLarge

    monkeypatch.setattr(module, "weigh", weigh)

    assert shell.run("import time\nopen('made', 'w').close()\ntime.sleep(60)").ended == "space"


def test_huge_output_is_cut_to_its_begin_and_end(shell: Shell) -> None:
    seen = shell.run("print('begin')\nfor _ in range(2000): print('x' * 10000)\nprint('end')")

    assert seen.ended == "finished"
    assert len(seen.output) <= 400
    assert seen.output.startswith("begin\n")
    assert seen.output.endswith("x\nend")


def test_output_holds_no_control_signs(shell: Shell) -> None:
    seen = shell.run(r"import os; os.write(1, b'a\x1b[31m\x00\xff\rb\n\tc')")

    assert all(sign.isprintable() or sign == "\n" for sign in seen.output)


def test_errors_are_one_line_with_the_line_of_the_code(shell: Shell) -> None:
    assert shell.run("x = 1\ny = z").output == "NameError: name 'z' is not defined (line 2)"
    assert shell.run("x = (").output == "SyntaxError: '(' was never closed (line 1)"
    assert shell.run("a\0b").output.startswith(("SyntaxError", "ValueError"))


def test_what_is_seen_does_not_hang_on_the_disk_or_the_hash(shell: Shell) -> None:
    code = (
        "import os\n"
        "for name in 'dbca': open(name, 'w').close()\n"
        "print(*os.listdir(), *(e.name for e in os.scandir()), *next(os.walk('.'))[2])\n"
        "print({'x', 'y', 'z', 'hello', 'world'})"
    )

    assert shell.run(code).output.split("\n")[0] == "a b c d a b c d a b c d"
    assert shell.run(code) == shell.run(code)


def test_code_beyond_the_limit_is_not_run(shell: Shell) -> None:
    seen = shell.run("open('made', 'w')\n" + "#" * CODE_BYTES)

    assert seen.output.startswith("not run")
    assert not (shell.home / "made").exists()


def test_without_bubblewrap_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module._trial.cache_clear()
    monkeypatch.setattr("shutil.which", lambda name: None)
    try:
        with pytest.raises(MachineLacks, match=r"nothing was run.*apt-get install bubblewrap"):
            run_code(f"open({str(tmp_path / 'ran')!r}, 'w')", tmp_path, tmp_path)
    finally:
        module._trial.cache_clear()
    assert not list(tmp_path.iterdir())


def test_a_sandbox_that_does_not_start_is_not_taken_for_code_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no permissions to create a new namespace\nexit 1\n")
    broken.chmod(0o755)
    module._trial.cache_clear()
    monkeypatch.setattr("shutil.which", lambda name: str(broken))
    try:
        with pytest.raises(MachineLacks, match="no permissions to create a new namespace"):
            run_code("print(1)", tmp_path, tmp_path)
    finally:
        module._trial.cache_clear()


def test_the_filter_is_whole_and_there_is_none_for_unknown_machines() -> None:
    for machine in ("x86_64", "aarch64"):
        rules = system_call_filter(machine)
        assert rules is not None
        assert len(rules) % 8 == 0
        assert len(rules) < 4096  # it is handed over through a pipe
    assert system_call_filter("riscv64") is None
