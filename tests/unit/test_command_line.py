"""What a user types: layers before and behind names, and what is said of names that do not exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safebasin.cli import COMMANDS, main
from safebasin.commands.study_arguments import names_first

from ..workflow import ROOT, SMOKE

Answer = tuple[int, str, str]
STUDY = str(ROOT / SMOKE)
OTHER = "title: Another title\n"
WITHOUT_STUDY = {"code", "schema", "unlock", "scratch"}
NAME = "direction/tiny"


@pytest.fixture
def safebasin(tmp_path, monkeypatch, capsys) -> Callable[..., Answer]:
    """Return the function that runs a command in an empty directory with one layer."""
    monkeypatch.chdir(tmp_path)
    Path("layer.yaml").write_text(OTHER)

    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        (NAME, "--configfile", STUDY, "layer.yaml"),
        ("--configfile", STUDY, "layer.yaml", NAME),
        ("--configfile", STUDY, NAME),
        ("--configfile", STUDY, NAME, "--json"),
        ("--configfile", STUDY, "--configfile", "layer.yaml", NAME),
        ("--configfile", STUDY, NAME, "--configfile", "layer.yaml"),
        ("--configfiles", STUDY, "--json", NAME),
        ("--config", STUDY, "layer.yaml", NAME),
        ("--config", STUDY, "store=elsewhere", NAME),
        (f"--configfile={STUDY}", NAME),
    ],
    ids=lambda arguments: " ".join(arguments).replace(STUDY, "STUDY"),
)
def test_a_name_may_stand_before_and_behind_the_layers(safebasin, arguments):
    code, out, error = safebasin("explain", *arguments)
    assert code == 0, error
    assert NAME in out


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (["--configfile", "a.yaml", "name"], ["name"]),
        (["--configfile", "unknown", "name"], ["name"]),  # the first is a layer whatever it is
        (["--configfile", "a.yaml", "b.yml", "c.json"], []),
        (["--store", "a", "name", "--configfile", "b.yaml"], []),
        (["--config", "a.yaml", "store=b"], []),
    ],
)
def test_only_what_is_no_layer_is_taken_for_a_name(told, names):
    found = names_first(told)
    assert found[: len(names)] == names
    assert sorted(found) == sorted(told)


def test_layers_told_apart_are_laid_over_each_other_like_those_told_together(safebasin):
    together = safebasin("show", "--configfile", STUDY, "layer.yaml", "--json")
    apart = safebasin("show", "--configfile", STUDY, "--configfile", "layer.yaml", "--json")
    alone = safebasin("show", "--configfile", STUDY, "--json")
    assert together == apart != alone


@pytest.mark.parametrize("flag", ["--configfile", "--configfiles", "--config"])
@pytest.mark.parametrize("command", sorted({*COMMANDS} - WITHOUT_STUDY))
def test_every_command_on_a_study_takes_its_layers_as_snakemake_does(safebasin, command, flag):
    name = (NAME,) if command in ("explain", "redo") else ()
    code, _, error = safebasin(command, *name, flag, "nowhere.yaml")
    assert code == 1
    assert "nowhere.yaml: the file cannot be read" in error


def test_settings_of_the_machine_are_taken_as_snakemake_takes_them(safebasin):
    _, told, _ = safebasin("explain", NAME, "--configfile", STUDY, "--config", "store=there")
    assert NAME in told
    code, _, error = safebasin("check", "--configfile", STUDY, "--config", "lora.rank=4")
    assert code == 1
    assert "--config lora.rank=…" in error
    assert "--configfile" in error


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("chekc",), 2, "did you mean 'check'?"),
        (("tune_adaptr",), 2, "did you mean 'tune_adapter'?"),
        (("nonsense",), 2, f"the commands are: {', '.join(COMMANDS)}"),
        (("explain", "direction/tniy", "--configfile", STUDY), 2, f"did you mean {NAME!r}?"),
        (("explain", "ridge measure", "--configfile", STUDY), 2, "did you mean one of 'measure/"),
        (("explain", "xyz", "--configfile", STUDY), 2, "`safebasin show` lists them"),
        (("show", "--kind", "adapters", "--configfile", STUDY), 2, "did you mean 'adapter'?"),
        (("lock", "--only", "rows", "--configfile", STUDY), 1, "no source 'rows'"),
        (("code", "--files", "tune_adapter:asfd"), 2, "did you mean 'tune_adapter:asft'?"),
        (("check", "--configfile", "layr.yaml"), 1, "did you mean 'layer.yaml'?"),
        (("check", "--configfile", "layer.yaml"), 1, "layer.yaml has "),
    ],
    ids=lambda value: " ".join(value).replace(STUDY, "STUDY") if isinstance(value, tuple) else "",
)
def test_of_an_unknown_name_the_nearest_is_told(safebasin, arguments, code, said):
    assert (told := safebasin(*arguments))[0] == code
    assert said in told[2]
    assert told[2].count("safebasin: ") == 1


@pytest.mark.parametrize("told", ["digest", "kind/digest", "store/kind/digest"])
def test_an_artifact_is_known_by_what_show_prints_of_it(safebasin, told):
    _, shown, _ = safebasin("show", "--configfile", STUDY, "--kind", "direction")
    header, line, _ = shown.splitlines()
    assert header.split() == ["state", "size", "time", "artifact", "name"]
    kind, digest = line.split()[1].split("/")
    name = told.replace("kind", kind).replace("digest", digest)
    assert safebasin("explain", name, "--configfile", STUDY)[0] == 0


def test_the_study_that_comes_with_the_workflow_is_found_without_its_folder(safebasin):
    Path("studies").mkdir()
    Path("studies/mine.yaml").write_text(OTHER)
    assert "did you mean 'studies/mine.yaml'?" in safebasin("check", "--configfile", "mine.yaml")[2]


def test_without_a_command_the_help_is_printed(safebasin):
    code, out, _ = safebasin()
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_its_purpose_and_gives_an_example(safebasin, command):
    _, out, _ = safebasin(command, "--help")
    purpose = out.split("\n\n")[1]
    assert purpose.splitlines()[0].endswith((".", ":"))
    assert f"\nexample: safebasin {command}" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "layer.yaml"), "check takes no 'layer.yaml' by itself"),
        (("explain", NAME, "layer.yaml"), "the files of a study follow --configfile"),
        (("show", "--confgfile", "layer.yaml"), "did you mean --configfile?"),
        (("show", "--confgfile=layer.yaml"), "did you mean --configfile?"),
        (("scratch", "--configfile", "layer.yaml"), "scratch takes no --configfile; it takes"),
        (("schema", "more"), "schema takes no 'more'"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_an_argument_that_a_command_does_not_take_is_told_with_what_it_takes(
    safebasin, arguments, said
):
    code, out, error = safebasin(*arguments)
    assert (code, out) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "form", ["{}", "{:.8}", "direction/{}", "receipts/direction/{}.json", "x/{}/"]
)
def test_explain_takes_a_digest_in_every_form_that_is_printed(safebasin, form):
    code, out, _ = safebasin("explain", NAME, "--configfile", STUDY, "--json")
    told = json.loads(out)
    assert safebasin("explain", form.format(told["digest"]), "--configfile", STUDY, "--json") == (
        code,
        out,
        "",
    )
