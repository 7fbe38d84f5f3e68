"""Turns a drawn figure into SVG that lives within a page.

matplotlib writes a style attribute at each element and fixed colours. Here each distinct style
becomes a class, so that the page's policy can forbid style attributes, and each colour of the
palette a CSS variable, so that one drawing serves the light and the dark scheme.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ops.prove.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE: Mapping[str, str] = {
    "ink": "#17211f",
    "dim": "#5a6865",
    "line": "#dde4e2",
    "paper": "#fefefe",
    "blue": "#0067a5",
    "orange": "#b86e00",
    "green": "#00805c",
    "purple": "#a64d86",
    "red": "#c44e00",
    "sky": "#2a88bd",
    "olive": "#857a00",
}
"""Okabe and Ito's colours, told apart by the colour-blind, darkened to be lines on white."""

_NAMES = {colour: name for name, colour in PALETTE.items()}
_COLOUR = re.compile("|".join(_NAMES))
_DIGITS = re.compile(r"(\.\d)\d+")
_OWN = ("font-family",)  # the page's font serves the plots too


class Styles:
    """The classes that stand for the plots' styles; one collection for one page."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def name(self, style: str) -> str:
        """Return the class for a style."""
        return self._classes.setdefault(_themed(style), f"p{len(self._classes)}")

    def css(self) -> str:
        """Return the rules of all classes named so far."""
        return "\n".join(f".{name} {{ {style} }}" for style, name in self._classes.items())


def inline(figure: "Figure", name: str, title: str, description: str, styles: Styles) -> str:
    """Return the figure as an `svg` element; `name` is unique within the page."""
    root = ET.fromstring(_drawn(figure))  # noqa: S314 - drawn a moment ago
    root[:] = [child for child in root if _tag(child) == "g"]
    width, height = root.get("viewBox", "0 0 0 0").split()[2:]
    inner = "".join(_markup(child, styles) for child in root)
    return (
        f'<svg id="{name}" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(printable(title))}</title>'
        f'<desc id="{name}-text">{escape(printable(description))}</desc>{inner}</svg>'
    )


def _drawn(figure: "Figure") -> str:
    written = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return written.getvalue()


def _markup(element: ET.Element, styles: Styles) -> str:
    tag, text = _tag(element), escape(element.text or "") if _tag(element) == "text" else ""
    inner = text + "".join(_markup(child, styles) for child in element)
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in _kept(element, styles))
    if tag == "g" and not attributes:
        return inner
    return f"<{tag}{attributes}>{inner}</{tag}>"


def _kept(element: ET.Element, styles: Styles) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name == "style":
            yield "class", styles.name(value)
        elif name in ("d", "transform", "x", "y", "width", "height"):
            yield name, _DIGITS.sub(r"\1", " ".join(value.split()))
        elif name != "id" or _tag(element) != "g":
            yield name, value


def _themed(style: str) -> str:
    rules = (rule.strip() for rule in style.split(";"))
    kept = "; ".join(rule for rule in rules if rule and not rule.startswith(_OWN))
    return _COLOUR.sub(lambda found: f"var(--{_NAMES[found[0]]})", kept)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
