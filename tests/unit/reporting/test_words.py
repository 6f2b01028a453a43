import pytest
from safebasin.reporting.findings import Findings, short_names
from safebasin.reporting.method_kind import MethodKind
from safebasin.reporting.models import Estimate, Model
from safebasin.reporting.words import anchor_words, can_conclude, cannot_conclude

KINDS = {
    "sft": MethodKind(type="sft"),
    "asft": MethodKind(type="asft", projector="reference", direction="aligned"),
    "ridge": MethodKind(type="ridge"),
}


def model(
    stage: str, method: str = "", conditions: str = "", **shares: tuple[float, float, float]
) -> Model:
    """Return a model; ``RR``, ``FA`` and ``anchor`` give value, low and high."""
    places = {"RR": ("near", "RR"), "FA": ("task", "FA"), "anchor": ("weights", "anchor_share")}
    return Model(
        stage=stage,
        method=method,
        setting="",
        conditions=conditions,
        chosen=True,
        kind=KINDS.get(method, MethodKind()),
        estimates={
            places[name]: Estimate(value=value, low=low, high=high)
            for name, (value, low, high) in shares.items()
        },
    )


ROWS = [
    {"eval_set": "near", "metric": "RR", "part": "test", "judge": "phrases", "seed": 0},
    {"eval_set": "near dev", "metric": "RR", "part": "dev", "judge": "phrases", "seed": 0},
]


def findings(finding: str = "equivalent", recall: float = 0.7) -> Findings:
    return Findings(
        rows=ROWS,
        summary=[],
        calibration=[{"measure": "recall", "value": recall}],
        contrast={"primary": {"finding": finding, "sentence": "The sentence."}},
        choices={},
    )


def test_a_loss_is_claimed_only_where_intervals_are_apart() -> None:
    aligned = model("aligned", RR=(0.9, 0.8, 0.95))
    fallen = model("tuned", "sft", RR=(0.1, 0.05, 0.2))
    close = model("tuned", "sft", RR=(0.8, 0.7, 0.88))

    assert "do not overlap" in can_conclude(findings(), [aligned, fallen])[0]
    assert "no loss is shown" in can_conclude(findings(), [aligned, close])[0]


def test_each_condition_is_compared_with_its_aligned_model() -> None:
    models = [
        model("aligned", RR=(0.9, 0.8, 0.95)),
        model("tuned", "sft", "10 % harmful", RR=(0.5, 0.4, 0.6)),
        model("tuned", "sft", "20 % harmful", RR=(0.1, 0.05, 0.2)),
    ]

    said = can_conclude(findings(), models)

    assert "(10 % harmful)" in said[0]
    assert "(20 % harmful)" in said[1]


RIDGE = model("tuned", "ridge")


@pytest.mark.parametrize(
    ("share", "words"), [(0.03, "nearly the same penalty"), (0.6, "size of the update")]
)
def test_the_anchor_share_decides_what_is_said_of_the_direction(share: float, words: str) -> None:
    said = anchor_words([model("tuned", "asft", anchor=(share, share, share)), RIDGE])

    assert len(said) == 1
    assert words in said[0]


def test_not_told_apart_is_said_to_be_no_proof_of_sameness() -> None:
    said = cannot_conclude(findings("not told apart"), [])
    other = cannot_conclude(findings("equivalent"), [])

    assert any("no proof of sameness" in one for one in said)
    assert not any("no proof of sameness" in one for one in other)


def test_the_judges_recall_is_named() -> None:
    said = cannot_conclude(findings(recall=0.71), [], "phrases")

    assert any("71 % of the refusals" in one for one in said)


def test_names_lose_the_folders_that_all_share() -> None:
    assert short_names(["a/b/x/s0", "a/b/y/s0"]) == ["x/s0", "y/s0"]
    assert short_names(["a/x", "b/x"]) == ["a/x", "b/x"]
    assert short_names(["a/x"]) == ["a/x"]
    assert short_names(["a", "a/b"]) == ["a", "a/b"]
    assert short_names([]) == []
