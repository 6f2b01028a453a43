import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from safebasin.analysis.guards_json import guards_json
from safebasin.analysis.search_scores import SearchedPrefix
from safebasin.errors import StudyError
from safebasin.store.writers import write_json, write_parquet

from .guard_study import BIASED, PLAIN, SAFE, SETS, cell, verdicts


def prefix(folder: Path, overall: Sequence[float], winner: int) -> Path:
    folder.mkdir()
    outcomes = [{"task": str(i), "kind": "benign", "refused": False} for i in range(14)]
    rows = [
        {"index": place, "role": "candidate", "perf": 1.0, "refusal": each - 1, "overall": each,
         "outcomes": outcomes}
        for place, each in enumerate(overall)
    ] + [{"index": 9, "role": "control", "perf": 1.0, "refusal": 1.0, "overall": 2.0,
          "outcomes": outcomes}]  # fmt: skip
    write_parquet(folder / "candidates.parquet", pa.Table.from_pylist(rows))
    write_json(folder / "prefix.json", {"winner": {"index": winner, "overall": overall[winner]}})
    return folder


def searched(agent: str, seed: int = 0) -> SearchedPrefix:
    return SearchedPrefix(prefix="p0", agent=agent, guard="ping", search_seed=seed)


def test_the_search_score_stands_beside_the_test_score(tmp_path: Path) -> None:
    cells = [cell("none"), cell("ping"), cell("ping and classifier")]
    rates = (PLAIN, SAFE, BIASED)
    found = {one.name: verdicts(each) for one, each in zip(cells, rates, strict=True)}
    folder = prefix(tmp_path / "p", [1.4, 1.9, 1.9], 1)

    told = guards_json(cells, SETS, found, [searched("agent ping None")], {"p0": folder})
    (fall,) = cast(Any, told)["searches"]

    assert (fall["perf"], fall["refusal"]) == (1.0, pytest.approx(0.9))
    assert (fall["test_perf"], fall["test_refusal"]) == (1.0, pytest.approx(0.6))
    assert fall["fall"] == pytest.approx(0.3)
    assert (fall["candidates"], fall["at_best"], fall["tasks"]) == (3, 2, 14)
    assert "0.30 less" in fall["sentence"]
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize("seeds", [(0, 1), (7, 3)])
def test_each_of_several_searches_falls_by_its_own_draw(
    tmp_path: Path, seeds: tuple[int, int]
) -> None:
    cells = [cell("none"), *(cell("ping", replicate=seed) for seed in seeds)]
    rates = (PLAIN, SAFE, PLAIN)
    found = {one.name: verdicts(each) for one, each in zip(cells, rates, strict=True)}
    folders = {"p0": prefix(tmp_path / "p", [1.9], 0)}

    falls = cast(
        Any,
        guards_json(
            cells, SETS, found, [searched(f"agent ping {each}", each) for each in seeds], folders
        ),
    )["searches"]

    assert [fall["search_seed"] for fall in falls] == list(seeds)
    assert [fall["test_refusal"] for fall in falls] == pytest.approx([0.6, 0.0])


def test_a_search_on_an_unknown_cell_is_refused(tmp_path: Path) -> None:
    folder = prefix(tmp_path / "p", [1.0], 0)
    cells = [cell("none")]

    with pytest.raises(StudyError, match="'nobody' is no cell"):
        guards_json(
            cells, SETS, {cells[0].name: verdicts(PLAIN)},
            [searched("nobody")], {"p0": folder},
        )  # fmt: skip
