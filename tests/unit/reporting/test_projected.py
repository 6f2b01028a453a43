import pytest
from safebasin.reporting.findings import Training
from safebasin.reporting.projected import projected_table, what_is_left


def activity(projected: int, kept: float) -> dict[str, object]:
    return {
        "projected_matrices": projected,
        "expected_matrices": 8,
        "norm_ba": 2.0,
        "norm_kept": kept,
        "note": f"{projected} of 8 updates were projected" if projected else "no update was",
    }


@pytest.mark.parametrize(
    ("projected", "kept", "said"),
    [
        (8, 0.0, "nearly the whole adapter"),
        (8, 0.099, "nearly the whole adapter"),
        (8, 0.1, "most of the adapter was erased"),
        (8, 0.499, "most of the adapter was erased"),
        (3, 0.5, "most of the adapter is left"),
        (0, 1.0, "no update was"),
    ],
)
def test_the_words_go_by_what_is_left_of_the_norm(projected, kept, said):
    assert said in what_is_left(activity(projected, kept))


def test_only_post_hoc_adapters_are_listed():
    tuned = Training(name="tuned", history=[], activity={"method": "asft", "covered_matrices": 8})
    projected = Training(name="projected", history=[], activity=activity(3, 0.5))

    assert projected_table([tuned]) is None
    shown = str(projected_table([tuned, projected]))
    assert "3 of 8" in shown
    assert "50.0" in shown
    assert ">tuned<" not in shown
