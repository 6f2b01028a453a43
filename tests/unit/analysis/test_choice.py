import pytest
from safebasin.analysis.cells import Cell, MetricRow
from safebasin.analysis.choice import Choice, ChoiceRule, choose
from safebasin.errors import StudyError

RULE = ChoiceRule(refusal=["near dev", "far dev"], accuracy="task dev")


def cell(method: str, strength: float | None, seed: int = 0, fraction: float = 0.2) -> Cell:
    return Cell(
        name=f"{method} {strength} s{seed} {fraction}",
        stage="tuned",
        pair="p",
        checkpoint="c",
        verdicts={},
        method=method,
        strength=strength,
        seed=seed,
        harmful_fraction=fraction,
    )


def rows(near: float, far: float, accuracy: float) -> list[MetricRow]:
    return [
        MetricRow(
            study="s", stage="tuned", pair="p", task=None, samples=None, harmful_fraction=None,
            method=None, setting="", steps=None, guard="none", replicate=None, seed=0, eval_set=name, part="dev", judge="j",
            metric=metric, value=value, low=None, high=None, n=None, clusters=None, chosen=False,
            checkpoint="c", adapter=None, verdicts=None,
        )
        for name, metric, value in (
            ("near dev", "RR", near), ("far dev", "RR", far), ("task dev", "FA", accuracy),
        )
    ]  # fmt: skip


def chosen(choices: list[Choice], method: str) -> float | None:
    return next(one.chosen for one in choices if method in one.methods)


def test_the_two_arms_stand_at_the_setting_with_the_best_mean_score() -> None:
    scores = {
        ("asft", 1.0): (0.5, 0.5, 0.9),
        ("asft", 10.0): (1.0, 0.8, 0.8),  # 1.7
        ("ridge", 1.0): (0.9, 0.9, 0.9),  # ridge by itself would take 1
        ("ridge", 10.0): (0.8, 0.8, 0.8),
    }
    cells = [cell(*key) for key in scores]
    found = choose(
        cells,
        {cell(*key).name: rows(*value) for key, value in scores.items()},
        RULE,
        ("asft", "ridge"),
    )

    assert [one.methods for one in found] == [("asft", "ridge")]
    assert found[0].scores == pytest.approx({1.0: 1.6, 10.0: 1.65})
    assert found[0].chosen == 10.0


def test_a_setting_that_one_arm_lacks_takes_no_part() -> None:
    scores = {
        ("asft", 1.0): (0.1, 0.1, 0.1),
        ("asft", 3.0): (0.2, 0.2, 0.2),
        ("asft", 10.0): (1.0, 1.0, 1.0),
        ("ridge", 1.0): (0.1, 0.1, 0.1),
        ("ridge", 3.0): (0.2, 0.2, 0.2),
    }
    found = choose(
        [cell(*key) for key in scores],
        {cell(*key).name: rows(*value) for key, value in scores.items()},
        RULE,
        ("asft", "ridge"),
    )

    assert chosen(found, "asft") == chosen(found, "ridge") == 3.0


def test_a_tie_goes_to_the_smaller_setting() -> None:
    cells = [cell("safe_lora", strength) for strength in (0.7, 0.3, 0.5)]
    found = choose(cells, {one.name: rows(0.4, 0.4, 0.3) for one in cells}, RULE, ())

    assert chosen(found, "safe_lora") == 0.3


def test_seeds_are_averaged_and_conditions_are_kept_apart() -> None:
    cells, measured = [], {}
    for fraction, better in ((0.1, 1.0), (0.3, 2.0)):
        for strength in (1.0, 2.0):
            for seed in (0, 1):
                one = cell("other", strength, seed, fraction)
                cells.append(one)
                lucky = 0.2 if seed else 0.0
                measured[one.name] = rows(0.7 if strength == better else 0.5, 0.5, 0.5 + lucky)
    found = choose(cells, measured, RULE, ("asft", "ridge"))

    assert [one.chosen for one in found] == [1.0, 2.0]
    assert found[0].scores == pytest.approx({1.0: 1.2, 2.0: 1.1})


def test_a_single_setting_needs_no_rule() -> None:
    found = choose([cell("sft", None), cell("asft", 2.0)], {}, None, ("asft", "ridge"))

    assert chosen(found, "sft") is None
    assert chosen(found, "asft") == 2.0


def test_test_rows_play_no_part() -> None:
    cells = [cell("other", 1.0), cell("other", 2.0)]
    measured = {
        cells[0].name: rows(0.5, 0.5, 0.5),
        cells[1].name: [*rows(0.4, 0.4, 0.4), *rows(0.0, 0.0, 0.0)],
    }

    assert chosen(choose(cells, measured, RULE, ()), "other") == 1.0


def test_what_was_not_measured_on_development_rows_cannot_be_chosen() -> None:
    cells = [cell("other", 1.0), cell("other", 2.0)]

    with pytest.raises(StudyError, match="no RR on 'near dev'"):
        choose(cells, {one.name: [] for one in cells}, RULE, ())
    with pytest.raises(StudyError, match="choice rule"):
        choose(cells, {one.name: [] for one in cells}, None, ())


def test_arms_without_a_common_setting_are_an_error() -> None:
    with pytest.raises(StudyError, match="share no setting"):
        choose([cell("asft", 1.0), cell("ridge", 2.0)], {}, RULE, ("asft", "ridge"))
