from dataclasses import replace

import pytest
from safebasin.analysis.cells import MetricRow
from safebasin.analysis.summary import over_seeds

ROW = MetricRow(
    study="s", stage="tuned", pair="p", task="t", samples=1, harmful_fraction=0.1, method="m",
    setting="", steps=None, guard="none", replicate=None, seed=0, eval_set="near", part="test", judge="j", metric="RR",
    value=0.5, low=0.4, high=0.6, n=90, clusters=90, chosen=True, checkpoint="c", adapter="a",
    verdicts="v",
)  # fmt: skip


def test_one_seed_keeps_the_interval_over_prompts() -> None:
    (found,) = over_seeds([ROW])

    assert (found.mean, found.low, found.high, found.basis) == (0.5, 0.4, 0.6, "prompts")
    assert found.deviation is None


def test_seeds_that_differ_give_the_t_interval_within_0_and_1() -> None:
    (found,) = over_seeds([ROW, replace(ROW, seed=1, value=0.9)])

    assert found.mean == pytest.approx(0.7)
    assert (found.low, found.high, found.basis) == (0.0, 1.0, "seeds")
    assert found.seeds == 2


def test_seeds_that_agree_by_chance_do_not_give_certainty() -> None:
    (found,) = over_seeds([ROW, replace(ROW, seed=1), replace(ROW, seed=2)])

    assert found.basis == "prompts"
    assert (found.low, found.high) == pytest.approx((0.4, 0.6))


def test_figures_of_weights_have_the_interval_over_seeds_only() -> None:
    weights = replace(ROW, metric="norm_ba", value=3.0, low=None, high=None)

    (one,) = over_seeds([weights])
    (two,) = over_seeds([weights, replace(weights, seed=1, value=5.0)])

    assert (one.low, one.high) == (None, None)
    assert two.high is not None
    assert two.high > 5.0
