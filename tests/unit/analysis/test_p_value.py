import pytest
from safebasin.analysis.p_value import p_text, p_words


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "1.000"), (0.0421, "0.042"), (0.001, "0.001"), (0.00099, "< 0.001"), (0, "< 0.001")],
)
def test_p_has_three_decimals_or_is_under_a_thousandth(p: float, text: str) -> None:
    assert p_text(p) == text
    assert p_words(p) == ("p < 0.001" if p < 0.001 else f"p = {text}")
