from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.reporting.escape import drawing, element, escape, join, stylesheet


class Reader(HTMLParser):
    """Reads back what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: object) -> Reader:
    reader = Reader()
    reader.feed(str(markup))
    reader.close()
    return reader


def test_a_script_in_text_stays_text() -> None:
    found = read(element("p", "<script>alert(1)</script>", title='"><script>x</script>'))

    assert found.tags == ["p"]
    assert found.text == "<script>alert(1)</script>"
    assert found.values == ['"><script>x</script>']


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_makes_an_element(text: str) -> None:
    found = read(element("td", text, title=text))

    assert found.tags == ["td"]


def test_safe_parts_are_not_escaped_twice() -> None:
    assert str(element("p", element("b", "a & b"))) == "<p><b>a &amp; b</b></p>"
    assert str(join(["<", element("i", ">")], " & ")) == "&lt; &amp; <i>&gt;</i>"


def test_marks_that_reorder_text_are_shown() -> None:
    assert "\u202e" not in str(escape("a\u202eb"))
    assert "U+202E" in str(escape("a\u202eb"))


@pytest.mark.parametrize("name", ["script", "onclick", "a b", "x>"])
def test_names_that_could_run_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="may not"):
        element(name)
    with pytest.raises(ValueError, match="may not"):
        element("p", **{name: "x"})


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>1</script></svg>",
        '<svg><a href="https://example.org">x</a></svg>',
        '<svg><rect onload="x()"/></svg>',
        "<svg><foreignObject/></svg>",
    ],
)
def test_a_drawing_that_could_run_or_load_is_refused(svg: str) -> None:
    with pytest.raises(ValueError, match="drawing"):
        drawing(svg)


def test_a_style_sheet_cannot_end_its_element_or_load() -> None:
    for css in ("</style><p>", "a{background:url(x)}", "@import 'x'"):
        with pytest.raises(ValueError, match="style sheet"):
            stylesheet(css)
