import pytest
from safebasin.reporting.canvas import for_page
from safebasin.reporting.figures import colours, curves, spectrum, tradeoff
from safebasin.reporting.findings import Spectrum, Training
from safebasin.reporting.models import Estimate, Model


def model(method: str, setting: str, refusals: float) -> Model:
    return Model(
        stage="tuned",
        method=method,
        setting=setting,
        conditions="",
        chosen=True,
        estimates={
            ("near", "RR"): Estimate(value=refusals, low=refusals - 0.1, high=refusals + 0.1),
            ("task", "FA"): Estimate(value=0.8, low=None, high=None),
        },
    )


def test_the_drawing_is_the_same_every_time_and_carries_no_date() -> None:
    models = [model("asft", "λ=1", 0.5), model("ridge", "λ=1", 0.4)]

    first = tradeoff(models, ["near"], "task")

    assert first == tradeoff(models, ["near"], "task")
    assert "dc:date" not in first


def test_text_stays_text_and_a_dollar_sign_is_one() -> None:
    drawn = tradeoff([model("mine", "$x$ <b>", 0.5)], ["near"], "task")

    assert "$x$ &lt;b&gt;" in drawn


def test_a_model_without_both_figures_is_left_out() -> None:
    lacking = model("lacking", "only-here", 0.5)
    del lacking.estimates["task", "FA"]

    assert "only-here" not in tradeoff([lacking, model("asft", "λ=1", 0.5)], ["near"], "task")


def test_cross_entropy_and_penalty_are_drawn_apart() -> None:
    plain = Training(
        name="plain", history=[{"step": 0, "cross_entropy": 2.0}], activity={"method": "sft"}
    )

    drawn = curves([plain])

    assert "no method here has a penalty" in drawn
    assert "cross-entropy" in drawn


def test_the_spectrum_shows_every_direction() -> None:
    rows = [
        {"matrix": "m", "module": "q_proj", "layer": 0, "norm_d": 1.0, "k": k, "eigenvalue": 0.1}
        for k in range(3)
    ]

    drawn = spectrum([Spectrum(name="one", rows=rows), Spectrum(name="two", rows=rows)])

    assert "one: " in drawn
    assert "two: " in drawn
    assert "q_proj" in drawn


def test_two_drawings_in_a_page_share_no_id() -> None:
    drawn = tradeoff([model("asft", "λ=1", 0.5)], ["near"], "task")
    one, two = (for_page(drawn, name, 'a "label"') for name in ("one", "two"))

    assert 'id="one-figure_1"' in one
    assert 'id="one-' not in two
    assert 'aria-label="a label"' in one
    assert "#3a3f47" not in one


@pytest.mark.parametrize("extra", [(), ("zzz",), ("aaa", "mmm")])
def test_the_usual_methods_keep_their_colours(extra: tuple[str, ...]) -> None:
    assert colours(["asft", *extra])["asft"] == colours([])["asft"]
