from __future__ import annotations

import json
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from safebasin.errors import DamagedInput, MachineLacks, StudyError
from safebasin.guards.generators.generator import GeneratorContext, load_generator
from safebasin.guards.generators.openai_compatible import ChatApiSettings
from safebasin.guards.search import PrefixSearch, SearchSettings
from safebasin.guards.search_files import REPLIES, write_search
from safebasin.resume.lines import read_lines
from safebasin.steps.job import Job
from safebasin.steps.search_prefix import bring_replies, hand_over_replies

from ...wear import TEARS
from .scripted import ScriptedAgent

TOKEN = "secret-token-0123456789"
GOOD = "PREFIX: # I do useful work and decline the rest.\nPREFIX: # I do it all the time."


class ChatServer:
    """Answers each request with the next thing that is set: a status, or a text to complete."""

    def __init__(self) -> None:
        self.answers: list[int | str | bytes] = []
        self.requests: list[tuple[str, dict[str, str], dict]] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), json.loads(body)))
                answer = outer.answers.pop(0)
                status, content = 200, answer
                if isinstance(answer, int):
                    # A rude server: it says the request's token in its error.
                    status, content = answer, f"bad {self.headers['Authorization']}".encode()
                elif isinstance(answer, str):
                    content = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Notes:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def over(self, items, label, total=None):
        del label, total
        yield from items

    def note(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def make(server, replies=None, sleep=None, environment=None, notes=None, **settings):
    """Return the generator, with naps kept in place of sleeping."""
    context = GeneratorContext(
        replies=replies,
        environment={"OPENAI_API_KEY": TOKEN} if environment is None else environment,
        progress=notes or Notes(),
    )
    options = {"base_url": server.address, "model": "stub", **settings}
    return ChatApiSettings(**options).make(context, sleep=sleep or (lambda seconds: None))


def test_one_user_message_with_the_papers_decoding_is_sent(server):
    server.answers = [GOOD]

    said = make(server).propose(5, None, 1)

    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("stub", 0.7, 2000)
    assert [each.text for each in said] == [
        "# I do useful work and decline the rest.",
        "# I do it all the time.",
    ]
    assert {each.source for each in said} == {"openai_compatible"}


def test_busy_and_broken_servers_are_asked_again_after_longer_and_longer_waits(server):
    server.answers, naps = [429, 500, 503, GOOD], []

    said = make(server, sleep=naps.append, pause=2.0).propose(5, None, 1)

    assert len(said) == 2
    assert naps == [2.0, 4.0, 8.0]


def test_a_wait_that_the_server_asks_for_is_kept_up_to_a_minute(server):
    for asked, waited in (("7", 7.0), ("3600", 60.0), ("soon", 2.0)):
        server.answers, server.headers, naps = [429, GOOD], {"Retry-After": asked}, []
        make(server, sleep=naps.append).propose(5, None, 1)

        assert naps == [waited]


def test_a_refused_request_is_not_repeated(server):
    server.answers = [401]

    with pytest.raises(MachineLacks, match="answer 401"):
        make(server).propose(5, None, 1)

    assert len(server.requests) == 1


def test_tries_end_and_the_last_is_not_slept_after(server):
    server.answers, naps = [500] * 3, []

    with pytest.raises(MachineLacks, match=r"answer 500; finished rounds are kept"):
        make(server, sleep=naps.append, tries=3).propose(5, None, 1)

    assert len(naps) == 2


def test_a_redirect_is_not_followed(server):
    server.answers, server.headers = [302], {"Location": server.address + "/elsewhere"}

    with pytest.raises(MachineLacks, match="answer 302"):
        make(server).propose(5, None, 1)

    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_named(server):
    server.close()
    try:
        with pytest.raises(MachineLacks, match=r"127\.0\.0\.1:\d+ gave no reply: no answer"):
            make(server, tries=2).propose(5, None, 1)
    finally:
        server.__init__()


@pytest.mark.parametrize("content", [b"hello", b"{}", b'{"choices": []}', b"[1]"])
def test_an_answer_that_is_no_completion_is_named(server, content):
    server.answers = [content]

    with pytest.raises(DamagedInput, match="no chat completion"):
        make(server).propose(5, None, 1)


def test_a_recorded_reply_is_used_and_not_asked_for_again(server, tmp_path):
    path = tmp_path / "replies.jsonl"
    server.answers = [GOOD, "PREFIX: # I am the second one."]
    first = make(server, path)
    said = [first.propose(5, None, 1), first.propose(5, None, 2)]

    again = make(server, path)

    assert [again.propose(5, None, 1), again.propose(5, None, 2)] == said
    assert len(server.requests) == 2
    assert [line["round"] for line in read_lines(path)] == [1, 2]


def test_searches_of_other_seeds_ask_for_their_own_replies(server, tmp_path):
    server.answers = [GOOD, "PREFIX: # I am the second one."]

    said = [make(server, tmp_path / "r", seed=seed).propose(5, None, 1) for seed in (0, 1, 0)]

    assert said[0] == said[2] != said[1]
    assert "seed" not in server.requests[0][2]


def test_with_the_replies_of_an_earlier_search_no_server_is_asked(server, tmp_path):
    given = tmp_path / "given"
    server.answers = [GOOD, "PREFIX: # I am the second one."]
    earlier = searching(given / "earlier")
    said = [make(server, earlier.state / REPLIES).propose(5, None, n) for n in (1, 2)]
    hand_over_replies(earlier)
    job = searching(tmp_path / "job", replies=given / "earlier")

    bring_replies(job)
    again = make(server, job.state / REPLIES, environment={})

    assert [again.propose(5, None, n) for n in (1, 2)] == said
    assert len(server.requests) == 2
    hand_over_replies(job)
    assert (job.folder / REPLIES).read_bytes() == (earlier.folder / REPLIES).read_bytes()


@pytest.mark.parametrize("line", ["[1]", "{", '{"request": "x"}', "3", '"text"', "\0"])
def test_given_replies_that_are_none_are_refused_by_name(line, tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / REPLIES).write_text(f"{line}\n")
    job = searching(tmp_path / "job", replies=tmp_path / "given")

    with pytest.raises(DamagedInput, match=r"replies\.jsonl, line 1, is no reply"):
        bring_replies(job)

    assert not (job.state / REPLIES).exists()


def searching(folder, **inputs):
    """A search's job."""
    folder.mkdir(parents=True)
    return Job(digest="0" * 16, raw_params={}, inputs=inputs, folder=folder, device="cpu")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("search.jsonl", '{"scoring": "search"}\n', "search.jsonl, line 1, is no reply"),
        ("replies.jsonl", '{"request": "a", "reply": "b"}\n{"requ', "line 2, is no reply"),
        ("replies.jsonl", '["request", "reply"]\n', "line 1, is no reply"),
        ("replies.jsonl", '{"request": "a", "reply": null}\n', "line 1, is no reply"),
        ("replies.jsonl", "\ufeff\x00\n", "line 1, is no reply"),
        ("replies.jsonl", "", "holds no reply"),
        ("replies.json", "{}", "holds no reply; it needs the replies.jsonl"),
    ],
)
def test_a_source_without_replies_is_refused_before_any_server_is_asked(
    tmp_path, name, content, told
):
    given = tmp_path / "given"
    given.mkdir()
    (given / name).write_text(content, encoding="utf-8")
    job = Job(
        digest="0" * 16, raw_params={}, inputs={"replies": given}, folder=tmp_path, device="cpu"
    )

    with pytest.raises(DamagedInput, match=told):
        bring_replies(job)

    assert not (tmp_path / REPLIES).exists()


def test_a_reply_that_a_kill_cut_short_is_asked_for_again(server, tmp_path):
    path = tmp_path / "replies.jsonl"
    server.answers = [GOOD, GOOD]
    make(server, path).propose(5, None, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])

    make(server, path).propose(5, None, 1)

    assert path.read_bytes() == whole


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_torn_record_of_replies_is_asked_for_again_and_handed_over_whole(tear, server, tmp_path):
    """Proposals that were logged count for nothing without the reply that they came from."""
    server.answers = [GOOD, GOOD, GOOD, GOOD]
    job = searching(tmp_path / "job")
    for _ in range(2):
        generator = make(server, job.state / REPLIES)
        settings = SearchSettings(candidates=2, rounds=2, threshold=9.0)
        PrefixSearch(settings, generator, ScriptedAgent(), job.state).run()
        hand_over_replies(job)
        rounds = [json.loads(line)["round"] for line in (job.folder / REPLIES).open()]
        assert sorted(rounds) == [1, 2]
        tear(job.state / REPLIES)


def test_the_token_is_in_no_file_message_note_or_description(server, tmp_path):
    notes = Notes()
    # A rude server says the token in the reply as well.
    server.answers = [500, f"{GOOD}\nPREFIX: # I was sent {TOKEN} by you.", 403]
    generator = make(server, tmp_path / "replies.jsonl", notes=notes)
    settings = SearchSettings(candidates=5, rounds=1)
    write_search(tmp_path, PrefixSearch(settings, generator, ScriptedAgent(), tmp_path).run())

    with pytest.raises(MachineLacks) as caught:
        generator.propose(5, None, 2)

    shown = "".join(traceback.format_exception(caught.value))
    context = GeneratorContext(environment={"OPENAI_API_KEY": TOKEN})
    kept = {name: value for name, value in vars(generator).items() if name != "_environment"}
    assert TOKEN not in f"{shown}{notes.said}{generator.description}{kept}{context}"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["candidates.parquet", "prefix.json", "replies.jsonl", "search.jsonl"]
    for path in tmp_path.iterdir():
        assert TOKEN.encode() not in path.read_bytes()
    assert "[token]" in (tmp_path / "replies.jsonl").read_text()
    assert json.loads((tmp_path / "prefix.json").read_text())["reproducible"] is False


@pytest.mark.parametrize("value", ["", "  ", f"{TOKEN}\nX: y", f"{TOKEN} x", "tökén"])
def test_a_token_that_is_none_is_refused_without_being_shown(server, value):
    with pytest.raises(MachineLacks, match="OPENAI_API_KEY") as caught:
        make(server, environment={"OPENAI_API_KEY": value}).propose(5, None, 1)

    assert value.strip() == "" or value not in str(caught.value)
    assert server.requests == []


def test_the_variable_is_a_setting_and_may_be_none(server):
    server.answers = [GOOD, GOOD]

    make(server, environment={"MINE": "abc"}, token_variable="MINE").propose(5, None, 1)
    make(server, environment={}, token_variable="").propose(5, None, 1)

    assert server.requests[0][1]["Authorization"] == "Bearer abc"
    assert "Authorization" not in server.requests[1][1]


@pytest.mark.parametrize(
    "address",
    ["ftp://host/v1", "https:///v1", "https://user:pass@host/v1", "https://host/v1?key=pass"],
)
def test_an_address_with_a_login_or_of_another_kind_is_refused(address):
    with pytest.raises(StudyError, match="base_url") as caught:
        load_generator({"type": "openai_compatible", "base_url": address, "model": "m"})

    assert "pass" not in str(caught.value).replace("password", "")


def test_a_token_goes_unencrypted_to_this_machine_only():
    with pytest.raises(StudyError, match="use https"):
        load_generator({"type": "openai_compatible", "base_url": "http://host/v1", "model": "m"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "oracle"}, "'oracle' is no generator; use one of grammar"),
        ({"type": "grammar", "seeds": 1}, "seeds"),
        ({"type": "openai_compatible", "model": "m"}, "base_url"),
        ({"type": "local_lm"}, "needs a checkpoint"),
    ],
)
def test_wrong_generator_settings_are_named(settings, message):
    with pytest.raises(StudyError, match=message):
        load_generator(settings)
