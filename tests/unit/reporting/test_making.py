import pytest
from safebasin.reporting.making import same_making


def run(kind="adapter", *, torch="2.13.0", runs_model=True, **rest):
    return {
        "kind": kind,
        "runs_model": runs_model,
        "versions": {"torch": torch},
        "python": "3.11.7",
        "device": "cpu",
        "processor": "one",
    } | rest


@pytest.mark.parametrize(
    ("other", "title", "detail"),
    [
        (run(torch="2.12.0"), "mixed versions", "torch 2.12.0 (1 adapter), 2.13.0 (1 adapter)"),
        (run(python="3.12.1"), "mixed versions", "python 3.11.7 (1 adapter), 3.12.1 (1 adapter)"),
        (run(device="a GPU"), "mixed devices", "device a GPU (1 adapter), cpu (1 adapter)"),
        (
            run("split", processor="two", runs_model=False),
            "mixed processors",
            "processor one (1 adapter), two (1 split)",
        ),
        (
            run(torch="2.12.0", device="a GPU", processor="two"),
            "mixed versions, devices and processors",
            "; processor one (1 adapter), two (1 adapter)",
        ),
    ],
)
def test_what_was_mixed_is_named_with_the_kinds_made_so(other, title, detail):
    (badge,) = same_making([run(), other])

    assert badge.state == "caution"
    assert badge.title == f"artifacts made with {title}"
    assert detail in badge.detail


@pytest.mark.parametrize(
    "other",
    [
        run(),
        run("split", device="cpu", runs_model=False),
        run(processor=""),
        {"kind": "corpus", "runs_model": False},
    ],
)
def test_one_way_of_making_is_said_too(other):
    (badge,) = same_making([run(device="a GPU"), other | {"device": "a GPU"}])

    assert badge.state == "good"
    assert badge.title == "made with one set of versions, devices and processors"
    assert "torch 2.13.0" in badge.detail


def test_a_step_without_a_model_has_no_device_to_compare():
    (badge,) = same_making([run(device="a GPU"), run("split", runs_model=False)])

    assert badge.state == "good"


def test_nothing_known_is_nothing_said():
    assert same_making([]) == []
