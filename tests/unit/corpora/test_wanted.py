"""What a study will take of a split is looked for in it, before any model answers."""

from __future__ import annotations

import pytest
from safebasin.corpora.wanted import WantedRows, require_wanted
from safebasin.errors import StudyError

ROWS = [
    {"id": f"{corpus}/{number}", "corpus": corpus, "split": part, "category": category, "label": label}
    for number, (corpus, part, category, label) in enumerate(
        [
            ("chores", "test", "plain", "yes"),
            ("chores", "test", "odd", "no"),
            ("chores", "dev", "plain", "maybe"),
            ("sums", "test", None, None),
        ]
    )
]  # fmt: skip


def wanted(**told: object) -> WantedRows:
    return WantedRows(**{"name": "a set", "part": "test", **told})  # type: ignore[arg-type]


MISSING = {
    "a part without rows": ({"part": "search"}, "eval_sets.a set: no row is in the part search"),
    "a corpus without rows": (
        {"corpora": ["sums"], "part": "dev"}, "no row is in the part dev, of 'sums'",
    ),
    "a category that no row has": (
        {"categories": ["plain", "red"]},
        "eval_sets.a set.categories: no row in the part test has the category 'red'; "
        "there are 'odd', 'plain', none",
    ),
    "a category of another part": (
        {"categories": ["odd"], "part": "dev"}, "has the category 'odd'; there are 'plain'",
    ),
    "a category of another corpus": (
        {"categories": ["odd"], "corpora": ["sums"]}, "no row of sums in the part test has the category 'odd'",
    ),
    "a label that the judge does not know": (
        {"corpora": ["chores"], "labels": ["yes", "other"]},
        "1 of 2 rows, the first with the id 'chores/1', have labels that their judge does not know: "
        "'no'; it knows yes, other",
    ),
    "rows without labels": (
        {"labels": ["yes", "no"]}, "1 of 3 rows, the first with the id 'sums/3'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_is_said_with_what_is_there(case):
    told, words = MISSING[case]
    with pytest.raises(StudyError) as caught:
        require_wanted(ROWS, [wanted(), wanted(**told)])
    assert words in str(caught.value)


def test_everything_that_is_missing_is_said_at_once():
    asked = [wanted(part="search"), wanted(part="search"), wanted(name="other", categories=["red"])]
    with pytest.raises(StudyError) as caught:
        require_wanted(ROWS, asked)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"categories": ["odd"]},
        {"corpora": ["chores"], "labels": ["YES", "no."]},
        {"categories": ["plain"], "labels": ["yes", "never seen"]},
    ],
)
def test_what_is_there_is_taken(told):
    require_wanted(ROWS, [wanted(**told)])
