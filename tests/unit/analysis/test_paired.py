import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.paired import PairedDifference, mcnemar_exact, paired_difference
from scipy import stats


def compare(both: int, gains: int, losses: int, neither: int) -> PairedDifference:
    """Return the comparison of independent pairs with the given 2×2 table."""
    pairs = [(1, 1)] * both + [(1, 0)] * gains + [(0, 1)] * losses + [(0, 0)] * neither
    return paired_difference(
        [bool(a) for a, _ in pairs],
        [bool(b) for _, b in pairs],
        list(range(len(pairs))),
        [0] * len(pairs),
        margin=0.05,
    )


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (1, 0), (5, 5), (2, 9), (21, 14), (0, 12)])
def test_mcnemar_is_the_binomial_test_on_discordant_pairs(gains: int, losses: int) -> None:
    total = gains + losses
    expected = stats.binomtest(gains, total, 0.5).pvalue if total else 1.0

    assert mcnemar_exact(gains, losses) == pytest.approx(expected)


def test_independent_pairs_give_agresti_and_mins_interval() -> None:
    # Agresti and Min 2005: half a pair more in each cell, then Wald; t at n − 1 for z.
    n, b, c = 200, 12, 30
    centre = (b - c) / (n + 2)
    variance = ((b + c + 1) - (b - c) ** 2 / (n + 2)) / (n + 2) ** 2
    half = stats.t.ppf(0.975, n - 1) * variance**0.5

    found = compare(100, b, c, n - 100 - b - c)

    assert (found.low, found.high) == pytest.approx((centre - half, centre + half))
    assert found.difference == pytest.approx(-0.09)
    assert found.finding == "told apart"


def test_power_is_that_of_the_reference_sheet() -> None:
    # reference/embedded.md 5c: 200 prompts, 15 % discordant: 7.7 points could be seen, and
    # equivalence shown within 4.5 points, so that a margin of 5 is just met
    found = compare(100, 15, 15, 70)

    assert found.smallest_detectable * 100 == pytest.approx(7.7, abs=0.2)
    assert found.finding == "equivalent"
    assert compare(100, 25, 25, 50).finding == "not told apart"


def test_equivalence_is_two_one_sided_t_tests() -> None:
    found = compare(500, 5, 6, 489)
    centre = -1 / 1002
    error = ((5 + 6 + 1) - 1 / 1002) ** 0.5 / 1002
    lower = stats.t.sf((centre + 0.05) / error, 999)
    upper = stats.t.cdf((centre - 0.05) / error, 999)

    assert found.equivalence_p == pytest.approx(max(lower, upper))
    assert found.finding == "equivalent"


def test_a_sure_but_small_difference_is_told_apart_and_within_the_margin() -> None:
    found = compare(900, 20, 2, 1078)

    assert found.finding == "told apart"
    assert found.within_margin


def test_pairs_that_never_disagree_do_not_prove_sameness_when_few() -> None:
    few, many = compare(8, 0, 0, 4), compare(80, 0, 0, 120)

    assert few.finding == "not told apart"
    assert few.high > 0.05
    assert many.finding == "equivalent"
    assert many.high > many.low


def test_copies_of_a_prompt_do_not_narrow_the_interval() -> None:
    once = compare(40, 8, 4, 28)
    outcomes = [(1, 1)] * 40 + [(1, 0)] * 8 + [(0, 1)] * 4 + [(0, 0)] * 28
    copied = [pair for pair in outcomes for _ in range(3)]

    thrice = paired_difference(
        [bool(a) for a, _ in copied],
        [bool(b) for _, b in copied],
        [place // 3 for place in range(len(copied))],
        [0] * len(copied),
        margin=0.05,
    )

    assert thrice.high - thrice.low >= (once.high - once.low) * 0.99


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    base = rng.random(100) < 0.5
    treatment: list[bool] = []
    control: list[bool] = []
    groups: list[int] = []
    seeds: list[int] = []
    for seed, effect in enumerate((0.0, 0.4)):
        treatment += (base | (rng.random(100) < effect)).tolist()
        control += base.tolist()
        groups += range(100)
        seeds += [seed] * 100

    found = paired_difference(treatment, control, groups, seeds, margin=0.05)

    assert found.basis == "seeds"
    assert found.low < 0 < found.high
    assert found.finding == "not told apart"


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.integers(0, 5), st.integers(0, 2)),
        min_size=1,
        max_size=50,
    )
)
def test_swapping_the_arms_mirrors_everything(rows: list[tuple[bool, bool, int, int]]) -> None:
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    groups, seeds = [row[2] for row in rows], [row[3] for row in rows]
    one = paired_difference(first, second, groups, seeds, margin=0.05)
    other = paired_difference(second, first, groups, seeds, margin=0.05)

    assert one.low == pytest.approx(-other.high)
    assert one.difference == pytest.approx(-other.difference)
    assert one.finding == other.finding
    assert one.mcnemar_p == other.mcnemar_p


def test_the_interval_covers_a_true_difference_in_clustered_pairs() -> None:
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(60), 2)
    covered, trials = 0, 400
    for _ in range(trials):
        shift = np.repeat(rng.random(60), 2)
        common = rng.random(120)
        control = common < 0.5
        treatment = np.where(shift < 0.2, common < 0.9, control)  # true difference 0.08
        found = paired_difference(
            treatment.tolist(), control.tolist(), groups.tolist(), [0] * 120, margin=0.05
        )
        covered += found.low <= 0.08 <= found.high

    assert 0.92 <= covered / trials <= 0.99


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        paired_difference([], [], [], [], margin=0.05)
