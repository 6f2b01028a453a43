from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.probe import fit_probe, grouped_folds, held_out, shuffled_labels
from safebasin.analysis.probe_rows import (
    APART,
    CHANGE,
    PROBE,
    accuracy_rows,
    logit_rows,
    probe_table,
    steering_row,
)
from scipy import stats

from ...draws import few

OBJECTS = [f"{kind} {index // 3}" for kind in ("harmful", "benign") for index in range(60)]
KINDS = [name.split()[0] for name in OBJECTS]
LABELS = np.asarray([kind == "harmful" for kind in KINDS])


def states(apart: float) -> np.ndarray:
    """Noise in features of many sizes, with the classes ``apart`` along one of them."""
    draw = np.random.default_rng(0)
    found = draw.normal(size=(len(OBJECTS), 12))
    found[:, 3] += apart * LABELS
    return found * 7.0 ** np.arange(12) / 1e3 + 5.0


def test_the_probe_is_sklearns_own_on_standardised_states():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = states(1.0)
    wanted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(rows, LABELS)

    probe = fit_probe(rows, LABELS)

    np.testing.assert_allclose(probe.logits(rows), wanted.decision_function(rows), atol=1e-6)
    assert np.linalg.norm(probe.direction) == pytest.approx(1.0)
    moved = probe.logits(rows[:1] + 2.0 * probe.direction) - probe.logits(rows[:1])
    assert moved[0] == pytest.approx(2.0 * np.linalg.norm(probe.weight))


@few(40)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=12),
    st.lists(st.integers(1, 5), min_size=2, max_size=12),
    st.integers(2, 6),
    st.integers(0, 99),
)
def test_folds_share_no_object_and_every_training_side_has_both_classes(yes, no, folds, seed):
    groups = [f"{side}{g}" for side, sizes in (("y", yes), ("n", no))
              for g, size in enumerate(sizes) for _ in range(size)]  # fmt: skip
    labels = np.asarray([group[0] == "y" for group in groups])

    dealt = grouped_folds(labels, groups, folds, seed)

    for group in set(groups):
        assert len({dealt[i] for i, each in enumerate(groups) if each == group}) == 1
    for fold in set(dealt):
        assert set(labels[dealt != fold]) == {True, False}
    counts = [len({g for g, f in zip(groups, dealt, strict=True) if f == fold and g[0] == "y"})
              for fold in range(folds)]  # fmt: skip
    assert max(counts) - min(counts) <= 1


def test_a_class_of_one_object_cannot_be_held_out():
    with pytest.raises(ValueError, match="1 groups of the class True"):
        grouped_folds(np.asarray([True, False, False]), ["a", "b", "c"], 2, 0)


def test_separable_states_are_told_apart_and_shuffled_labels_are_not():
    rows = accuracy_rows(4, states(50.0), KINDS, OBJECTS, folds=5, shuffles=8, seed=0)

    (whole, benign, harmful, chance) = rows
    assert (whole["value"], benign["kind"], harmful["kind"]) == (1.0, "benign", "harmful")
    assert (whole["n"], whole["clusters"]) == (120, 40)
    assert chance["measure"] == "accuracy_shuffled"
    assert 0.35 < chance["value"] < 0.65
    assert chance["low"] <= chance["value"] <= chance["high"] < whole["low"]


def test_knowing_objects_by_heart_is_worth_nothing():
    draw = np.random.default_rng(0)
    marks = {name: draw.normal(size=60) for name in dict.fromkeys(OBJECTS)}
    rows = np.asarray([marks[name] + draw.normal(size=60) / 10 for name in OBJECTS])
    by_row = np.arange(len(OBJECTS)) % 3

    cheated = held_out(rows, LABELS, by_row).mean()
    honest = held_out(rows, LABELS, grouped_folds(LABELS, OBJECTS, 5, 0)).mean()

    assert cheated > 0.95
    assert honest < 0.65


def test_shuffling_deals_out_the_same_labels_and_keeps_objects_whole():
    dealt = shuffled_labels(LABELS, OBJECTS, 1)

    assert dealt.sum() == LABELS.sum()
    assert (dealt != LABELS).any()
    assert all(len(set(dealt[np.asarray(OBJECTS) == name])) == 1 for name in OBJECTS)
    mixed = shuffled_labels(LABELS, ["one"] * 60 + ["two"] * 30 + ["one"] * 30, 1)
    assert mixed.sum() == LABELS.sum()


def test_a_mean_logit_of_lone_tasks_has_the_t_interval():
    values = np.random.default_rng(1).normal(size=9)
    rows = logit_rows("logit_final", 3, {"none": values}, ["harmful"] * 9, list(range(9)))

    (row,) = rows
    low, high = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    assert (row["value"], row["low"], row["high"]) == pytest.approx((values.mean(), low, high))


def test_tasks_of_one_object_make_the_interval_wider():
    values = np.repeat(np.random.default_rng(2).normal(size=6), 4)

    def width(groups):
        (row,) = logit_rows("logit_final", 3, {"none": values}, ["benign"] * 24, groups)
        return row["high"] - row["low"]

    assert width([i // 4 for i in range(24)]) > 1.8 * width(list(range(24)))


def test_a_guards_change_is_paired_by_task_and_compared_between_kinds():
    kinds, groups = ["harmful"] * 4 + ["benign"] * 4, list(range(8))
    plain = np.asarray([5.0, -3.0, 8.0, 1.0, 0.0, 2.0, -7.0, 4.0])
    guarded = plain + np.asarray([2.0] * 4 + [0.5] * 4)

    rows = logit_rows("logit_final", 3, {"none": plain, "ping": guarded}, kinds, groups)

    found = {(row["guard"], row.get("kind"), row["metric"]): row for row in rows}
    change = found["ping", "harmful", CHANGE]
    assert (change["value"], change["low"], change["high"]) == (2.0, 2.0, 2.0)
    assert found["ping", None, f"{CHANGE}, {APART}"]["value"] == pytest.approx(1.5)
    assert found["none", None, APART]["value"] == pytest.approx(2.75 + 0.25)
    assert not [key for key in found if key[0] == "none" and CHANGE in key[2]]


def test_one_object_has_no_interval():
    (row,) = logit_rows("logit_final", 3, {"none": np.ones(3)}, ["harmful"] * 3, ["a"] * 3)

    assert (row["value"], row["low"], row["high"]) == (1.0, None, None)


def test_the_table_holds_all_measures_in_one_form():
    rows = accuracy_rows(4, states(50.0), KINDS, OBJECTS, folds=3, shuffles=2, seed=0)
    rows.append(steering_row("steering", 2.0, "harmful", "RR", [True, False], ["a", "b"]))

    table = probe_table(rows)

    assert table.schema == PROBE
    assert table.to_pylist()[-1]["value"] == 0.5
    assert table.to_pylist()[-1]["layer"] is None
