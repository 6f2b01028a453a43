import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.arms import agent_models
from safebasin.analysis.cells import METRICS, EvalSet
from safebasin.analysis.intervals import clustered_proportion
from safebasin.analysis.paired import paired_difference
from safebasin.analysis.verdicts import select
from safebasin.errors import StudyError

from .guard_study import (
    PLAIN,
    SAFE,
    SETS,
    arm,
    cell,
    comparison,
    guards_with,
    study,
    told_of,
    verdict,
    verdicts,
)


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


def test_the_unguarded_agent_is_compared_with_the_aligned_model() -> None:
    told = study(SAFE)
    drift = [one for one in told["agents"][0]["comparisons"] if one["against_stage"] == "aligned"]

    assert {one["figure"]: round(one["difference"], 2) for one in drift}["RR"] == -0.8
    assert arm(told, "none", "aligned")["figures"]["RR"]["value"] == pytest.approx(0.8)
    assert "RR 0.0 % against 80.0 %" in told["agents"][0]["sentences"][0]


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


@given(
    st.lists(st.sampled_from(["success", "refused", "other"]), min_size=1, max_size=30),
    st.sampled_from(["harmful_tasks", "benign_tasks"]),
)
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
