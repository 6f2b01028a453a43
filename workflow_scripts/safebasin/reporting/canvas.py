"""The ground that figures are drawn on: SVG with the same bytes for the same numbers.

Element names come from a fixed salt, no date is written, and text stays text, so that the page's
own font and colours apply. Lines and text use one marked colour that a page replaces by its own.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#3a3f47"
"""Text and axes; no other mark has this colour."""


_NARROW = 6.0
"""A figure under this many inches is one panel wide."""


def panels_of(
    count: int, width: float, height: float, columns: int | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``count`` panels, each of the size given in inches."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    across = columns or min(count, 2)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    FigureCanvasSVG(figure)
    panels = [figure.add_subplot(down, across, place + 1) for place in range(count)]
    for panel in panels:
        panel.grid(True, color="#8a9099", alpha=0.25, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.tick_params(colors=INK, labelsize=8)
        panel.xaxis.label.set(color=INK, fontsize=9)
        panel.yaxis.label.set(color=INK, fontsize=9)
        panel.title.set_color(INK)
        panel._left_title.set_color(INK)  # type: ignore[attr-defined]
        panel.patch.set_visible(False)
        for side, spine in panel.spines.items():
            spine.set_color(INK)
            spine.set_visible(side in ("left", "bottom"))
    figure.patch.set_visible(False)
    return figure, panels


def add_legend(figure: Figure, panel: Axes) -> None:
    """Put the panel's legend under the figure."""
    handles, labels = panel.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(2 if figure.get_figwidth() < _NARROW else 6, len(labels)),
            fontsize=8,
            frameon=False,
            labelcolor=INK,
        )


def svg_of(figure: Figure) -> str:
    """Return the figure's SVG without a date, a host or random names."""
    import matplotlib
    from matplotlib.text import Text

    for written in figure.findobj(Text):
        written.set_parse_math(False)  # names are plain text, and a dollar sign a dollar sign
    with matplotlib.rc_context({"svg.hashsalt": "safebasin", "svg.fonttype": "none"}):
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def for_page(svg: str, name: str, label: str) -> str:
    """Return the SVG element alone, to stand in a page: own ids, the page's ink, a label.

    Args:
        svg: what ``svg_of`` gave.
        name: prefix of the ids, so that two drawings in one page do not share any.
        label: what the drawing shows, for those who cannot see it; letters and plain signs only.
    """
    drawing = svg[svg.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.S)
    drawing = re.sub(r'\bid="', f'id="{name}-', drawing)
    drawing = re.sub(r'href="#', f'href="#{name}-', drawing)
    drawing = re.sub(r"url\(#", f"url(#{name}-", drawing)
    drawing = drawing.replace(INK, "currentColor")
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    plain = re.sub(r"[^\w ,.;:()%/-]", "", label)
    return drawing.replace("<svg", f'<svg role="img" aria-label="{plain}"', 1)


def is_narrow(svg: str) -> bool:
    """Return whether the drawing is one panel wide, so that a page should not stretch it."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
    return size is not None and float(size[1]) < _NARROW * 72
