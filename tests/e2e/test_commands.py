"""The commands for people, on a finished study."""

from __future__ import annotations

import json

import pytest
from safebasin.cli import COMMANDS, main

from ..workflow import SMOKE

STUDY = ("--configfile", str(SMOKE))


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    """Return exit code and both streams of one command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_show_lists_every_artifact_by_name_with_state_size_and_time(inside, capsys):
    code, out, _ = run(capsys, "show", *STUDY, "--json")
    rows = json.loads(out)
    assert code == 0
    assert {row["state"] for row in rows} == {"made"}
    assert all(row["bytes"] > 0 and row["seconds"] >= 0 for row in rows)
    assert "adapter/tiny/words/n32/p0.25/sft/s0" in {row["name"] for row in rows}


def test_explain_names_the_fields_that_differ_from_the_nearest_artifact(inside, capsys, tmp_path):
    layer = tmp_path / "layer.yaml"
    layer.write_text("methods: {asft: {lambda: 3}, ridge: {lambda: 3}}\n")
    name = "adapter/tiny/words/n32/p0.25/asft-λ3/s0"
    code, out, _ = run(capsys, "explain", name, *STUDY, str(layer), "--json")
    lineage = json.loads(out)["lineage"]
    assert code == 0
    assert [step["state"] for step in lineage].count("missing") == 1
    (missing,) = [step for step in lineage if step["state"] == "missing"]
    assert missing["differences"] == [{"field": "params.method.lambda", "there": 1, "here": 3}]


def test_explain_of_an_unknown_name_suggests_one(inside, capsys):
    code, _, err = run(capsys, "explain", "direction/tniy", *STUDY)
    assert code == 2
    assert "did you mean 'direction/tiny'" in err


def test_verify_of_an_undamaged_store_says_so(inside, capsys):
    code, out, _ = run(capsys, "verify", "--store", "store")
    assert (code, "all as written" in out) == (0, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert len(out.splitlines()) > 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--store", "nowhere"), "no store"),
        (("check", "--configfile", "nowhere.yaml"), "cannot be read"),
        (("tune_adapter", "--spec", "{}"), "not a spec"),
        (("tune_adapter", "--spec", '{"kind": "corpus"}'), "does not make"),
        (("code", "--neutral", "tune_adapter"), "--reason"),
    ],
)
def test_a_wrong_request_ends_with_one_message_and_no_traceback(inside, capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert code in (1, 2)
    assert said in err
    assert "Traceback" not in out + err
