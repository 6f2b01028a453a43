import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.intervals import (
    cluster_codes,
    clustered_proportion,
    clustered_variance,
    effective_size,
    mean_over_seeds,
    wilson,
)
from scipy import stats


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (1, 30), (14, 30), (29, 30), (30, 30), (10, 250)])
def test_wilson_is_scipys_wilson(hits: int, n: int) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")

    low, high = wilson(hits / n, n, stats.norm.ppf(0.975))

    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_gives_the_intervals_of_the_reference_sheet() -> None:
    # reference/asft.md section 4: 4.0 % of 250 -> [2.2, 7.2]; 17.6 % -> [13.4, 22.8]
    for share, expected in ((0.04, (2.2, 7.2)), (0.176, (13.4, 22.8))):
        low, high = wilson(share, 250, 1.959964)
        assert (round(low * 100, 1), round(high * 100, 1)) == expected


def test_groups_of_one_give_wilsons_interval() -> None:
    values = [True] * 7 + [False] * 33

    found = clustered_proportion(values, list(range(40)))

    assert (found.low, found.high) == pytest.approx(wilson(7 / 40, 40, stats.norm.ppf(0.975)))
    assert (found.n, found.clusters) == (40, 40)


def test_rows_copied_k_times_are_worth_the_originals_at_most() -> None:
    values = np.array([1.0] * 12 + [0.0] * 28)
    codes = np.arange(40)

    worth = effective_size(np.repeat(values, 5), np.repeat(codes, 5))

    # deff = 5 (n-1)-corrections aside; the degrees of freedom take a little more
    assert 37 < worth < 40


def test_the_variance_of_the_mean_with_groups_of_one_is_s_squared_over_n() -> None:
    values = np.random.default_rng(0).random(50)

    assert clustered_variance(values, np.arange(50)) == pytest.approx(values.var(ddof=1) / 50)


def test_the_variance_with_equal_groups_is_that_of_the_group_means() -> None:
    means = np.random.default_rng(1).random((20, 3))

    found = clustered_variance(means.ravel(), np.repeat(np.arange(20), 3))

    assert found == pytest.approx(means.mean(axis=1).var(ddof=1) / 20)


def test_no_success_at_all_counts_the_groups_not_the_rows() -> None:
    grouped = clustered_proportion([False] * 100, [i // 10 for i in range(100)])

    assert grouped.low == 0.0
    assert grouped.high == pytest.approx(wilson(0.0, 10, stats.norm.ppf(0.975))[1])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=60),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_the_interval_holds_the_share_and_stays_within_0_and_1(
    rows: list[tuple[bool, int]], level: float
) -> None:
    found = clustered_proportion([hit for hit, _ in rows], [group for _, group in rows], level)

    assert 0 <= found.low <= found.value <= found.high <= 1
    assert math.isfinite(found.low)


def test_95_percent_intervals_cover_in_about_95_percent_of_clustered_samples() -> None:
    rng = np.random.default_rng(20)
    groups = np.repeat(np.arange(40), 4)
    covered, naive, trials = 0, 0, 1000
    for _ in range(trials):
        chances = rng.beta(1.2, 2.8, size=40)  # mean 0.3, strong likeness within a group
        hits = rng.random(160) < np.repeat(chances, 4)
        found = clustered_proportion(hits.tolist(), groups.tolist())
        covered += found.low <= 0.3 <= found.high
        low, high = wilson(found.value, 160, 1.96)
        naive += low <= 0.3 <= high

    assert 0.93 <= covered / trials <= 0.98
    assert naive / trials < 0.92  # what the clusters are for


def test_the_interval_over_seeds_is_students() -> None:
    values = [0.71, 0.78, 0.69]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))

    assert mean_over_seeds(values) == pytest.approx(expected)
    with pytest.raises(ValueError, match="two seeds"):
        mean_over_seeds([0.5])


def test_cluster_codes_follow_first_sight() -> None:
    assert cluster_codes(["b", "a", "b", 3]).tolist() == [0, 1, 0, 2]
