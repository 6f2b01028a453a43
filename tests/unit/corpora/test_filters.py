from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.corpora.readers.filters import Scalar, kept_rows
from safebasin.errors import DamagedInput


@dataclass(frozen=True)
class Cell:
    """A table of one column."""

    cell: Any
    where: str = "t: row 1"

    def value(self, column: str) -> Any:
        return self.cell


def _kept(cells: list[Any], *values: Scalar, key: str = "where") -> list[Any]:
    asked: dict[str, Mapping[str, Any]] = {"where": {}, "exclude": {}, key: {"c": values}}
    return [cells[place] for place in kept_rows([Cell(each) for each in cells], **asked)]


@pytest.mark.parametrize(
    ("cells", "value", "kept"),
    [
        (["true", "false", "true"], True, ["true", "true"]),
        (["True", "False"], True, ["True"]),
        (["TRUE", "FALSE"], False, ["FALSE"]),
        ([True, False], True, [True]),
        (["1", "0", ""], True, ["1"]),
        ([1, 0, None], False, [0]),
        ([1.0, 0.0], True, [1.0]),
        (["true", "0"], 1, ["true"]),
        ([True, False], 0, [False]),
        ([True, False], "True", [True]),
        ([True, False], "false", [False]),
        (["1", "2"], 1, ["1"]),
        (["1.0", "2.0"], 1, ["1.0"]),
        ([1.0, 2.0], 1, [1.0]),
        ([1, 2], 1.0, [1]),
        ([1, 2], "1", [1]),
        ([1.0, float("nan")], "1", [1.0]),
        (["01", "2"], 1, ["01"]),
        (["1e1", "2"], 10, ["1e1"]),
        (["0.1", "0.2"], 0.1, ["0.1"]),
        ([0.1, 0.2], 0.1, [0.1]),
        (["1", "1.0"], "1", ["1"]),
        (["no", "en"], "no", ["no"]),
        ([b"no", b"en"], "no", [b"no"]),
        (["a", "", None], "", ["", None]),
        ([2**70, 2**70 + 1], 2**70, [2**70]),
    ],
)
def test_values_are_compared_by_value_and_text_letter_for_letter(
    cells: list[Any], value: Scalar, kept: list[Any]
) -> None:
    assert _kept(cells, value) == kept


@pytest.mark.parametrize(
    ("cells", "value", "said"),
    [
        (["stndard", "x", "x"], "standard", r"where\.c: 'standard' fits no row; .* 'x' \(2\), 'st"),
        (["no", "en"], False, r"holds 'no' \(1\), 'en' \(1\); to YAML a bare yes, no,"),
        (["0", "1", "2"], True, "true fits no row"),
        ([0, 1, 2], False, "false fits no row"),
        (["true", "false", "maybe"], 1, "1 fits no row"),
        (["true", "false"], 2, "2 fits no row"),
        (["0"], "false", "'false' fits no row"),
        (["True"], "true", r"'true' fits no row; the column holds 'True' \(1\)"),
        ([None, float("nan")], "nan", r"holds nothing \(2\)"),
        ([None], "None", "'None' fits no row"),
        (["w" * 500], "x", r"holds a text of 500 characters \(1\)$"),
        ([f"k{n}" for n in range(30)], "x", r"'k7' \(1\) and 22 others"),
    ],
)
def test_a_value_that_fits_no_row_is_told_with_what_the_column_holds(
    cells: list[Any], value: Scalar, said: str
) -> None:
    for key in ("where", "exclude"):
        with pytest.raises(DamagedInput, match=said.replace("where", key)):
            _kept(cells, value, key=key)


def test_every_value_must_fit_and_not_only_one_of_them() -> None:
    with pytest.raises(DamagedInput, match="'z' fits no row"):
        _kept(["x", "y"], "x", "z")


def test_filters_that_leave_no_row_are_told() -> None:
    with pytest.raises(DamagedInput, match=r"no row is left: .* none of the 2"):
        _kept(["x", "y"], "x", "y", key="exclude")


@pytest.mark.parametrize("twin", ["x ", " x", "x\u00a0", "\u200bx", "x\u00ad", "cafe\u0301"])
@pytest.mark.parametrize("key", ["where", "exclude"])
def test_a_cell_that_only_looks_like_the_value_is_not_passed_over(twin: str, key: str) -> None:
    value = "café" if twin.startswith("c") else "x"
    with pytest.raises(DamagedInput, match=f"column 'c': .* looks like '{value}' of `{key}`"):
        _kept([value, "y", twin], value, key=key)

    assert _kept([value, "y", twin], value, twin) == [value, twin]


@pytest.mark.parametrize("cell", [["a"], {"a": 1}])
def test_a_cell_that_is_no_single_value_cannot_be_compared(cell: Any) -> None:
    with pytest.raises(DamagedInput, match=r"row 1, column 'c': a .* cannot be compared"):
        _kept([cell], "a")


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2).map(lambda value: round(value, 1)),
    st.sampled_from(["a", "true", "False", "1", "1.0", "-0", "0"]),
)


@given(st.lists(SCALARS, min_size=1, max_size=6), SCALARS)
def test_where_and_exclude_share_the_rows_out(cells: list[Scalar], value: Scalar) -> None:
    try:
        kept = _kept(cells, value)
    except DamagedInput:
        with pytest.raises(DamagedInput):
            _kept(cells, value, key="exclude")
        return
    others = _kept(cells, value, key="exclude") if len(kept) < len(cells) else []
    assert len(kept) + len(others) == len(cells)
    for told, written in ((kept, cells), (others, cells)):
        assert all(any(one is other for other in written) for one in told)
