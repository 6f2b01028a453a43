"""What a study declares and nothing uses is named, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from safebasin.cli import main
from safebasin.errors import StudyError
from safebasin.study.load import read_layers, validate
from safebasin.study.plan import Pinned, plan
from safebasin.study.unused import unused

from ...workflow import ROOT

STUDIES = sorted(
    str(path.relative_to(ROOT))
    for path in (
        ROOT / "config.yaml",
        *(ROOT / "studies").glob("*.yaml"),
        *(ROOT / "examples").glob("*/study.yaml"),
    )
)


def digests(raw: dict[str, Any]) -> set[str] | None:
    """Return what would be made; None where the study is refused."""
    try:
        study = validate(raw)
        pins = {
            name: Pinned(origin={}, files=((f"{name}.json", f"{len(name):064d}", 1),))
            for name in study.sources
        }
        return set(plan(study, pins, lambda step, part: f"{step}:{part}/1").nodes)
    except StudyError:
        return None


def without(raw: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    if not name:
        return {key: value for key, value in raw.items() if key != section}
    return raw | {section: {key: told for key, told in raw[section].items() if key != name}}


@pytest.mark.parametrize("path", STUDIES)
def test_taking_out_what_is_unused_changes_nothing(path):
    raw = read_layers(ROOT / path)
    rest = raw
    for section, names in unused(validate(raw)).items():
        for name in names or [""]:
            rest = without(rest, section, name)
    assert digests(rest) == digests(raw)
    assert not unused(validate(rest))


@pytest.mark.parametrize(
    "path",
    ["studies/smoke.yaml", "studies/ping-crossed.yaml", "examples/adopted_adapter/study.yaml"],
)
def test_taking_out_what_is_used_is_refused_or_changes_what_is_made(path):
    raw = read_layers(ROOT / path)
    idle = unused(validate(raw))
    before = digests(raw)
    for section, told in raw.items():
        if section in ("agents", "adapters", "direction", "generation") or not isinstance(
            told, dict
        ):
            continue
        named = all(isinstance(value, dict) for value in told.values())
        for name in told if named else [""]:
            if name not in idle.get(section, []) and not (name == "" and section in idle):
                assert digests(without(raw, section, name)) != before, (section, name)


def test_check_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    more = {
        "extends": str(ROOT / "studies/smoke.yaml"),
        "pairs": {"second": {"aligned": "tiny"}},
        "guards": {"idle": {"type": "system"}},
    }
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(yaml.safe_dump(more))
    for files, told in (
        (["study.yaml"], "  pairs: second\n  guards: idle\n"),
        ([more["extends"]], ""),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["check", "--config", *files])
        assert ended.value.code == 0
        _, _, said = capsys.readouterr().out.partition("declared, but nothing uses it:\n")
        assert said == told
