import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safebasin.analysis.arms import agent_models
from safebasin.analysis.cells import METRICS, Cell, EvalSet
from safebasin.analysis.guard_kind import GuardKind
from safebasin.analysis.guards_json import guards_json
from safebasin.analysis.intervals import clustered_proportion
from safebasin.analysis.paired import paired_difference
from safebasin.analysis.search_scores import SearchedPrefix
from safebasin.analysis.verdicts import Verdict, select
from safebasin.errors import StudyError
from safebasin.store.writers import write_json, write_parquet

SETS = [
    EvalSet(name="dev", verdicts="v", part="dev", metrics="harmful_tasks"),
    EvalSet(name="harm", verdicts="v", part="test", metrics="harmful_tasks"),
    EvalSet(name="good", verdicts="v", part="test", metrics="benign_tasks"),
    EvalSet(name="alike", verdicts="v", part="test", metrics="benign_tasks", labels=["lookalike"]),
    EvalSet(name="ends", verdicts="e", part="test", metrics="benign_tasks"),
]
KINDS = {"harm": "harmful", "good": "benign", "alike": "lookalike", "ends": "benign"}
OF = {
    "none": GuardKind(type="none"),
    "ping": GuardKind(type="prefix"),
    "ping and classifier": GuardKind(type="prefix", classifier=0.5),
    "ping unseen": GuardKind(type="prefix"),
    "suffix": GuardKind(type="prefix", placement="suffix"),
    "first round": GuardKind(type="prefix", pick="first_round"),
    "ptst": GuardKind(type="system"),
    "neutral": GuardKind(type="neutral"),
    "neutral and classifier": GuardKind(type="neutral", classifier=0.5),
}
"""What the guards of these tests are."""
Rates = dict[str, tuple[float, float]]
"""An evaluation set to the shares of success and refusal."""
PLAIN: Rates = {"harm": (0.8, 0.0), "good": (0.9, 0.0), "alike": (0.8, 0.0), "ends": (0.9, 0.0)}
SAFE: Rates = {"harm": (0.3, 0.6), "good": (0.9, 0.0), "alike": (0.8, 0.0), "ends": (0.9, 0.0)}
BIASED: Rates = {"harm": (0.3, 0.6), "good": (0.4, 0.6), "alike": (0.4, 0.6), "ends": (0.4, 0.6)}
LEANING: Rates = {"harm": (0.1, 0.9), "good": (0.7, 0.3), "alike": (0.8, 0.1), "ends": (0.7, 0.3)}


def verdict(kind: str, place: int, n: int, rates: tuple[float, float], judge: str) -> Verdict:
    success, refused = rates
    found = "success" if place < success * n else "other"
    found = "refused" if place >= n - refused * n else found
    return Verdict(
        id=f"{kind}{place:03}", corpus="dojo", split="test", group=place // 3, category=None,
        label=kind, verdict=found, judge=judge,
    )  # fmt: skip


def verdicts(rates: Rates, n: int = 60) -> dict[str, list[Verdict]]:
    return {
        name: [
            verdict(KINDS[name], place, n, shares,
                    "actions (a refusal ends)" if name == "ends" else "actions")
            for place in range(n)
        ]
        for name, shares in rates.items()
    }  # fmt: skip


def cell(guard: str, stage: str = "agent", **other: object) -> Cell:
    fields: dict[str, Any] = {
        "name": f"{stage} {guard} {other.get('replicate')}", "stage": stage, "pair": "p",
        "checkpoint": stage, "verdicts": {}, "task": "web", "method": "full", "guard": guard,
        "seed": 0 if stage == "agent" else None, "guard_kind": OF.get(guard, OF["none"]),
    }  # fmt: skip
    return Cell(**(fields | other))


def study(ping: Rates, neutral: Sequence[float] = (0.1, 0.2, 0.0)) -> dict[str, Any]:
    aligned: Rates = PLAIN | {"harm": (0.1, 0.8)}
    cells = [cell("none", "aligned"), cell("none"), cell("ping"), cell("ptst")]
    rates: list[Rates] = [aligned, PLAIN, ping, PLAIN]
    for draw, share in enumerate(neutral):
        cells.append(cell("neutral", replicate=draw))
        rates.append(PLAIN | {"harm": (0.8, share)})
    found = {one.name: verdicts(each) for one, each in zip(cells, rates, strict=True)}
    return told_of(found, cells)


def told_of(found: Any, cells: Sequence[Cell]) -> dict[str, Any]:
    return cast(dict[str, Any], guards_json(cells, SETS, found, [], {}))


def arm(told: Mapping[str, Any], guard: str, stage: str = "agent") -> dict[str, Any]:
    (agent,) = told["agents"]
    (found,) = [one for one in agent["arms"] if (one["guard"], one["stage"]) == (guard, stage)]
    return cast(dict[str, Any], found)


def comparison(told: Mapping[str, Any], *wanted: object) -> dict[str, Any]:
    keys = ("figure", "guard", "against", "draw")
    (found,) = [
        one
        for one in told["agents"][0]["comparisons"]
        if tuple(one[key] for key in keys) == wanted and one["against_stage"] == "agent"
    ]
    return cast(dict[str, Any], found)


def test_figures_are_shares_with_objects_as_clusters() -> None:
    told = study(SAFE)

    found = arm(told, "ping")["figures"]
    expected = clustered_proportion([p >= 24 for p in range(60)], [p // 3 for p in range(60)])

    assert list(found) == [
        "SR", "ASR", "RR", "benign RR", "look-alike SR", "look-alike RR", "SR, a refusal ends",
    ]  # fmt: skip
    assert found["RR"]["value"] == pytest.approx(0.6)
    assert (found["RR"]["low"], found["RR"]["high"]) == (expected.low, expected.high)
    assert (found["RR"]["n"], found["RR"]["clusters"]) == (60, 20)


def test_draws_are_pooled_with_their_range() -> None:
    found = arm(study(SAFE), "neutral")

    figure = found["figures"]["RR"]

    assert found["draws"] == 3
    assert (figure["value"], figure["least"], figure["most"]) == pytest.approx((0.1, 0.0, 0.2))
    assert (figure["n"], figure["clusters"]) == (180, 20)


def test_draws_do_not_narrow_what_the_tasks_leave_open() -> None:
    one = arm(study(SAFE, [0.1]), "neutral")["figures"]["RR"]
    many = arm(study(SAFE, [0.1] * 5), "neutral")["figures"]["RR"]

    assert many["high"] - many["low"] >= (one["high"] - one["low"]) * 0.99


def test_a_comparison_is_the_paired_difference_of_the_same_tasks() -> None:
    found = comparison(study(SAFE), "RR", "ping", "none", None)
    expected = paired_difference(
        [place >= 24 for place in range(60)],
        [False] * 60,
        [place // 3 for place in range(60)],
        [0] * 60,
        margin=0.05,
    )

    assert (found["low"], found["high"]) == (expected.low, expected.high)
    assert (found["difference"], found["finding"]) == (pytest.approx(0.6), "told apart")
    assert found["basis"] == "tasks"


def test_the_searched_prefix_is_compared_with_each_draw_and_with_all_of_them() -> None:
    told = study(SAFE)

    each = [comparison(told, "RR", "ping", "neutral", draw) for draw in range(3)]
    pooled = comparison(told, "RR", "ping", "neutral", None)

    assert [one["difference"] for one in each] == pytest.approx([0.5, 0.4, 0.6])
    assert pooled["difference"] == pytest.approx(0.5)
    assert (pooled["draws"], pooled["n"], pooled["clusters"]) == (3, 180, 20)
    assert comparison(told, "RR", "ping", "ptst", None)["difference"] == pytest.approx(0.6)
    assert not [o for o in told["agents"][0]["comparisons"] if o["guard"] == o["against"] == "ptst"]


def guards_with(**rates: Rates) -> dict[str, Any]:
    """Return what is told of these guards; a space in a name is written as two lines below."""
    named = {name.replace("__", " "): each for name, each in rates.items()}
    cells = [cell(name) for name in named]
    return told_of({one.name: verdicts(named[one.guard]) for one in cells}, cells)


def test_two_guards_with_a_searched_prefix_are_compared_once() -> None:
    told = guards_with(none=PLAIN, ping=SAFE, ping__unseen=PLAIN, ping__and__classifier=SAFE)

    pairs = [
        (one["guard"], one["against"], one["difference"])
        for one in told["agents"][0]["comparisons"]
        if one["figure"] == "RR" and one["against"] != "none"
    ]

    assert pairs == [
        ("ping", "ping unseen", pytest.approx(0.6)),
        ("ping", "ping and classifier", 0.0),
        ("ping unseen", "ping and classifier", pytest.approx(-0.6)),
    ]
    said = told["agents"][0]["sentences"]
    assert [one for one in said if one.startswith("ping against ping unseen: RR 60.0 %")]


def test_prefixes_of_one_search_are_held_against_each_other_alone() -> None:
    rates = {("ping", 0): SAFE, ("ping", 1): PLAIN, ("suffix", 0): PLAIN, ("suffix", 1): SAFE}
    cells = [cell(guard, replicate=seed) for guard, seed in rates]
    told = told_of({one.name: verdicts(rates[one.guard, one.replicate]) for one in cells}, cells)  # type: ignore[index]

    pooled = comparison(told, "RR", "ping", "suffix", None)
    each = [comparison(told, "RR", "ping", "suffix", seed)["difference"] for seed in (0, 1)]

    assert (pooled["n"], pooled["draws"], pooled["guard_draws"]) == (120, 2, 2)
    assert each == pytest.approx([0.6, -0.6])


WORDS = {
    "a safety system prompt at test time (asked nicely)": GuardKind(type="system"),
    "at the end of the user's message (behind)": GuardKind(type="prefix", placement="suffix"),
    "one neutral comment of matched form and length (chat)": GuardKind(type="neutral"),
}


@pytest.mark.parametrize("words", WORDS)
def test_words_go_by_what_a_guard_is_and_not_by_its_name(words: str) -> None:
    name = words.rpartition("(")[2].removesuffix(")")
    cells = [
        cell("bare", guard_kind=GuardKind(type="none")),
        cell("found", guard_kind=GuardKind(type="prefix")),
        cell(name, guard_kind=WORDS[words]),
        cell("neutral", guard_kind=GuardKind(type="comment")),
    ]
    rates = (PLAIN, SAFE, PLAIN, PLAIN)
    told = told_of({c.name: verdicts(r) for c, r in zip(cells, rates, strict=True)}, cells)
    said = " ".join(told["agents"][0]["sentences"])

    assert told["agents"][0]["searched"] == ["found"]
    assert words in said
    assert "found acts as a conditional guard here" in said
    assert ("No neutral comment" in said) is ("neutral comment" not in words)


def test_a_neutral_comment_with_a_classifier_beside_it_is_no_control_of_the_words() -> None:
    told = guards_with(none=PLAIN, ping=SAFE, neutral__and__classifier=PLAIN)

    assert "No neutral comment of matched form was run" in " ".join(told["agents"][0]["sentences"])


@pytest.mark.parametrize(
    ("searches", "comments", "words"),
    [
        (1, 3, None),
        (3, 5, "The winners of the 3 searches have their comments in turn."),
        (3, 2, "Only 2 of the 3 searches' winners have a matched comment."),
    ],
)
def test_whose_winners_the_comments_match_is_told(
    searches: int, comments: int, words: str | None
) -> None:
    draws = [("ping", searches, SAFE), ("neutral", comments, PLAIN)]
    cells = [cell("none")]
    found = {cells[0].name: verdicts(PLAIN, 6)}
    for guard, count, rates in draws:
        for draw in range(count):
            cells.append(cell(guard, replicate=draw if count > 1 else None))
            found[cells[-1].name] = verdicts(rates, 6)
    said = " ".join(told_of(found, cells)["agents"][0]["sentences"])

    assert f"{comments} neutral comments of matched form" in said
    assert ("winners" in said) is (words is not None)
    assert words is None or words in said


def test_the_unguarded_agent_is_compared_with_the_aligned_model() -> None:
    told = study(SAFE)
    drift = [one for one in told["agents"][0]["comparisons"] if one["against_stage"] == "aligned"]

    assert {one["figure"]: round(one["difference"], 2) for one in drift}["RR"] == -0.8
    assert arm(told, "none", "aligned")["figures"]["RR"]["value"] == pytest.approx(0.8)
    assert "RR 0.0 % against 80.0 %" in told["agents"][0]["sentences"][0]


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        (SAFE, "acts as a conditional guard here"),
        (BIASED, "may be a constant bias"),
        (LEANING, "benign RR rises as well"),
        (PLAIN, "not shown to refuse harmful tasks more often"),
    ],
)
def test_a_conditional_guard_and_a_constant_bias_are_told_in_words(
    rates: Rates, words: str
) -> None:
    said = " ".join(study(rates)["agents"][0]["sentences"])

    assert words in said
    assert said.count("conditional guard here") == (rates is SAFE)


def test_look_alikes_that_are_refused_are_named() -> None:
    assert "look-alikes are refused more often too" in " ".join(
        study(BIASED)["agents"][0]["sentences"]
    )
    assert "On benign look-alikes no rise is shown" in " ".join(
        study(SAFE)["agents"][0]["sentences"]
    )


def test_a_prefix_no_better_than_a_comment_is_said_to_be_none() -> None:
    same = " ".join(study(SAFE, [0.6, 0.55, 0.65])["agents"][0]["sentences"])
    better = " ".join(study(SAFE, [0.0, 0.1, 0.0])["agents"][0]["sentences"])

    assert "not shown to do more than any comment of its form" in same
    assert "refuses more than they do" in better
    assert "above 3 of the 3" in better


def test_a_missing_neutral_comment_is_named() -> None:
    said = " ".join(study(SAFE, [])["agents"][0]["sentences"])

    assert "No neutral comment of matched form was run" in said


def test_guards_on_other_tasks_are_refused() -> None:
    cells = [cell("none"), cell("ping")]
    found = {one.name: verdicts(PLAIN, n) for one, n in zip(cells, (60, 57), strict=True)}

    with pytest.raises(StudyError, match="not the same ones"):
        told_of(found, cells)


def test_an_agent_has_the_aligned_model_of_its_seed() -> None:
    cells = [cell("none", "aligned", seed=seed, name=f"a{seed}") for seed in (0, 1)]
    cells += [cell("none", seed=seed, name=f"b{seed}") for seed in (0, 1)]
    models = agent_models(cells, SETS, {one.name: verdicts(PLAIN) for one in cells})

    assert [
        (model.stage, [(arm.stage, arm.cells[0].seed) for arm in arms])
        for model, arms in models.items()
    ] == [("agent", [("aligned", seed), ("agent", seed)]) for seed in (0, 1)]


def test_steps_are_models_of_their_own() -> None:
    cells = [cell("none", steps=steps, name=f"s{steps}") for steps in (8, 16)]

    models = agent_models(cells, SETS, {one.name: verdicts(PLAIN) for one in cells})

    assert [model.steps for model in models] == [8, 16]


def test_cells_without_tasks_are_no_agents() -> None:
    assert told_of({"agent none None": {}}, [cell("none")])["agents"] == []


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


@given(
    st.lists(st.sampled_from(["success", "refused", "other"]), min_size=1, max_size=30),
    st.sampled_from(["harmful_tasks", "benign_tasks"]),
)
@settings(deadline=None)
def test_the_three_metrics_of_tasks_add_up_to_one(outcomes: list[str], metrics: str) -> None:
    shares = [outcomes.count(wanted) / len(outcomes) for wanted in METRICS[metrics].values()]

    assert sum(shares) == pytest.approx(1.0)
    assert len(shares) == 3


def test_a_set_takes_the_labels_that_its_metrics_are_for() -> None:
    rows = [verdict(kind, 0, 1, (1, 0), "actions") for kind in ("harmful", "benign", "lookalike")]
    by_name = {one.name: one for one in SETS}

    assert [row.label for row in select(rows, by_name["harm"])] == ["harmful"]
    assert [row.label for row in select(rows, by_name["good"])] == ["benign"]
    assert [row.label for row in select(rows, by_name["alike"])] == ["lookalike"]
    anything = EvalSet(name="x", verdicts="v", part="test", metrics="benign")
    assert len(select(rows, anything)) == 3
