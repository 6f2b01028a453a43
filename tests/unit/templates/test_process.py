"""Templates run as transformers runs them, without clock and dice, within limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from safebasin.templates import process
from safebasin.templates.process import TemplateRefused, render, variables

from .families import CHATML, DATED, FAMILIES, PROGRAM, Family, tokenizer_of

DAY = "2024-07-26"
ASKED = [{"role": "user", "content": "Is the lake <quiet> & 'deep'?\n\n  é "}]
CHATS = {
    "one turn": ASKED,
    "three turns": [*ASKED, {"role": "assistant", "content": " yes"}, *ASKED],
    "a system message": [{"role": "system", "content": "Be brief."}, *ASKED],
}
EVERY = {**FAMILIES, "program": Family(template=PROGRAM, end="<|im_end|>")}


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("name", [name for name in EVERY if name != "dated"])
def test_a_rendering_is_what_transformers_gives(name: str, chat: str, opens: bool) -> None:
    family = EVERY[name]
    tokenizer, kwargs = tokenizer_of(family), dict(family.kwargs)
    values = {**tokenizer.special_tokens_map, **kwargs, "messages": CHATS[chat], "tools": None}
    values |= {"documents": None, "add_generation_prompt": opens}
    try:
        wanted = tokenizer.apply_chat_template(
            CHATS[chat], tokenize=False, add_generation_prompt=opens, **kwargs
        )
    except Exception as error:
        with pytest.raises(TemplateRefused, match=str(error)):
            render(family.template, DAY, values)
        return
    assert render(family.template, DAY, values) == wanted


def test_the_clock_stands_still_on_the_day_that_is_told() -> None:
    values = {"messages": ASKED, "bos_token": ""}

    assert "Today Date: 26 Jul 2024" in render(DATED, DAY, values)
    assert "Today Date: 01 Feb 2003" in render(DATED, "2003-02-01", values)
    exact = render("{{ strftime_now('%Y-%m-%d %H:%M:%S.%f %s %p %c') }}", DAY, {})
    assert exact == "2024-07-26 00:00:00.000000 1721952000 AM Fri Jul 26 00:00:00 2024"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ [1, 2] | random }}", "picks at random"),
        ("{% if false %}{{ [1, 2] | random }}{% endif %}", "picks at random"),
        ("{{ [[1, 2]] | map('random') | list }}", "picks at random"),
        ("{{ lipsum() }}", "picks at random"),
        ("{% for m in %}", "line 1"),
        ("{{ messages.nothing.here }}", "nothing"),
        ("{{ raise_exception('not so') }}", "not so"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 'a' + 1 }}", "TypeError"),
        ("{{ [][3].x }}", "no element 3"),
        ("{{ strftime_now }}", "no text"),
        ("{{ [1] | map('string') }}", "no text"),
        ("{{ strftime_now | e }}", "no text"),
        ("{{ 'a'.upper | string | replace('<', '') }}", "no text"),
        ("{% include 'other' %}", "no loader"),
        ("{{ range(10 ** 9) | list }}", "range"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{ ''.__class__.__mro__ }}", "__class__|unsafe|undefined"),
        ("{{ 'a' * 10 ** 10 }}", "MiB of memory"),
        ("{{ 'a'.ljust(10 ** 12) }}", "MiB of memory"),
        (
            "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}"
            "{% endfor %}{{ n.s }}",
            "MiB of memory|seconds",  # whichever a machine comes to first
        ),
        ("{% for i in range(99999) %}{{ 'a' * 99 }}{% endfor %}", "writes more than"),
    ],
)
def test_what_a_template_must_not_do_is_told_in_its_own_words(template: str, told: str) -> None:
    with pytest.raises(TemplateRefused, match=f"(?i){told}"):
        render(template, DAY, {"messages": ASKED})


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    ],
)
def test_an_endless_template_is_stopped_and_the_next_one_runs(template: str) -> None:
    start = time.process_time()

    with pytest.raises(TemplateRefused, match="seconds"):
        render(template, DAY, {})

    assert time.process_time() - start < 1  # the time is not ours
    assert render("{{ 1 + 1 }}", DAY, {}) == "2"


def test_many_threads_get_their_own_answers() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = threads.map(lambda n: render("{{ n }}", DAY, {"n": n}), range(200))

    assert list(made) == [str(n) for n in range(200)]


FORK = """
import os
from safebasin.templates.process import render

render("{{ 1 }}", "2024-07-26", {})
read, write = os.pipe()
if os.fork() == 0:
    try:
        os.write(write, render("{{ 'child' }}", "2024-07-26", {}).encode())
    finally:
        os._exit(0)
os.close(write)
print(render("{{ 'parent' }}", "2024-07-26", {}), os.read(read, 99).decode())
"""


def test_a_fork_asks_a_process_of_its_own() -> None:
    """In a process that has no other threads: a fork of one that has may wait for ever."""
    made = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=100)

    assert made.stdout.split() == ["parent", "child"], made.stderr


def test_an_answer_that_nobody_waited_for_is_not_given_to_the_next(monkeypatch) -> None:
    class Stopped(BaseException):
        """Stands for Ctrl-C."""

    def stop(_: object) -> None:
        raise Stopped

    with monkeypatch.context() as once:
        once.setattr(process._PROCESS.running.stdin, "flush", lambda: stop(None), raising=False)
        with pytest.raises(Stopped):
            render("{{ 'mine' }}", DAY, {})

    assert render("{{ 'yours' }}", DAY, {}) == "yours"


@pytest.mark.parametrize("busy", [False, True])
def test_one_that_is_killed_from_outside_is_begun_again(busy: bool) -> None:
    render("{{ 1 }}", DAY, {})
    first = process._PROCESS.running
    assert first is not None
    work = "{% for i in range(3999) %}{% for j in range(99) %}{% endfor %}{% endfor %}{{ 2 }}"
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(render, work, DAY, {}) if busy else None
        first.kill()
        first.wait()
        assert render(f"{work}{busy}", DAY, {}) == f"2{busy}"
        assert asked is None or asked.result() == "2"


def test_an_answer_that_broke_off_is_asked_for_again(monkeypatch) -> None:
    render("{{ 1 }}", DAY, {})
    running = process._PROCESS.running
    assert running is not None
    with monkeypatch.context() as once:
        once.setattr(running.stdout, "readline", lambda: '{"text": "1', raising=False)
        assert render("{{ 'whole' }}", DAY, {}) == "whole"


def test_the_limit_on_time_holds_where_its_signal_is_ignored_or_blocked() -> None:
    code = (
        "import signal; signal.signal(signal.SIGPROF, signal.SIG_IGN);"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF]);"
        "from safebasin.templates.process import render;"
        "render('{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}',"
        "'2024-07-26', {})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "goes on for more than 2 seconds" in ran.stderr


def test_the_names_a_template_takes_are_told() -> None:
    known = set(variables(FAMILIES["thinking"].template, DAY))

    assert {"add_generation_prompt", "enable_thinking", "messages"} <= known
    assert "enable_thinkin" not in known


@pytest.mark.parametrize(
    ("template", "taken"),
    [
        ("{% set a = 1 %}{{ a }}", []),
        ("{% if x %}{% set a = 1 %}{% else %}{% set a = 2 %}{% endif %}{{ a }}", ["x"]),
        ("{% if not a is defined %}{% set a = 1 %}{% endif %}{{ a }}", ["a"]),
        ("{% set a = a or 1 %}{{ a }}", ["a"]),
        ("{% set a = a | default(1) %}{{ a }}", ["a"]),
        ("{% set a %}text{% endset %}{{ a }}", []),
        ("{% macro f(a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}", ["b"]),
        ("{% for a in a %}{{ a }}{% endfor %}", ["a"]),
        ("{% for a in x %}{{ a }}{% endfor %}{{ y }}", ["x", "y"]),
        ("{% set n = namespace(v=z) %}{% set n.v = 2 %}{{ n.v }}", ["z"]),
    ],
)
def test_a_name_that_is_written_over_is_not_taken(template: str, taken: list[str]) -> None:
    assert variables(template, DAY) == taken


def test_neither_the_time_zone_nor_the_seed_of_hashes_shows() -> None:
    code = (
        "from safebasin.templates.process import render; import json;"
        "print(json.dumps(render(\"{{ strftime_now('%s %Z %H') }}"
        "{{ dict(a=1, b=2).keys() | list }}\", '2024-07-26', {})))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "de_DE.UTF-8"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for zone, seed in (("Asia/Tokyo", "1"), ("America/Lima", "2"))
    }
    assert len(said) == 1
    assert json.loads(said.pop()).startswith("1721952000")


def test_an_address_that_was_asked_about_may_be_written() -> None:
    for said in ("it broke at 0x7f3660964690", "<f at 0x7f3660964690>", "a pointer at 0x1"):
        asked = [{"role": "user", "content": said}]
        assert said in render("[INST] {{ messages[0].content }}", DAY, {"messages": asked})


def test_chatml_takes_half_a_surrogate_as_it_is() -> None:
    text = render(CHATML, DAY, {"messages": [{"role": "user", "content": "a\ud800b"}]})
    assert "a\ud800b" in text
