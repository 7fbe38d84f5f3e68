"""The time axis that all plots of a run share, and the faults on it.

matplotlib is imported only when something is drawn: it takes most of a second.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops.prove.history import Strike
from ops.prove.svg import PALETTE
from ops.prove.words import clock, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 148, 26, 8, 22  # px
"""The left margin holds the names of the kinds of fault."""

LANE = 20  # px, of one kind of fault in the faults' own plot
RUG = 5  # px, of one kind of fault above another plot
FEW = 150
"""Up to so many faults each is drawn through the plots; more of them would be a curtain."""

KINDS = ("blue", "orange", "green", "purple", "red", "sky", "olive")
OTHERS = "dim"
"""The colour of the rarer kinds: more than seven colours cannot be told apart."""

_LABEL = 24  # characters that fit into the left margin
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS = 12
_SETTINGS = {
    "svg.fonttype": "none",
    "path.simplify": False,
    "text.parse_math": False,
    "font.size": 11,
    "text.color": PALETTE["ink"],
    "axes.edgecolor": PALETTE["dim"],
    "axes.facecolor": "none",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALETTE["line"],
    "xtick.color": PALETTE["dim"],
    "ytick.color": PALETTE["dim"],
    "xtick.labelcolor": PALETTE["ink"],
    "ytick.labelcolor": PALETTE["ink"],
}


@contextmanager
def canvas(
    name: str, height: int, seconds: float, top: int = TOP
) -> "Iterator[tuple[Figure, Axes]]":
    """Yield a figure with axes, `height` px high, over a run of `seconds`.

    `name` keeps the ids within its SVG apart from those of other plots.
    """
    from matplotlib import style  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415

    whole = top + height + BOTTOM
    with style.context(["default", _SETTINGS | {"svg.hashsalt": name}]):
        figure = Figure(figsize=(WIDTH / 72, whole / 72))
        wide = (WIDTH - LEFT - RIGHT) / WIDTH
        axes = figure.add_axes((LEFT / WIDTH, BOTTOM / whole, wide, height / whole))
        axes.set_xlim(0, max(seconds, 1))
        ticks = _ticks(seconds)
        axes.set_xticks(ticks, [clock(tick) for tick in ticks])
        yield figure, axes


def kinds(strikes: Sequence[Strike]) -> dict[str, int]:
    """Return how often each kind of fault was injected, the most frequent first."""
    return dict(Counter(strike.fault for strike in strikes).most_common())


def colours(strikes: Sequence[Strike]) -> dict[str, str]:
    """Return the palette's name for each kind of fault."""
    return {
        kind: KINDS[at] if at < len(KINDS) else OTHERS for at, kind in enumerate(kinds(strikes))
    }


def lanes(axes: "Axes", strikes: Sequence[Strike]) -> None:
    """Draw each kind of fault in a lane of its own, with its name."""
    found = kinds(strikes)
    axes.set_ylim(len(found), 0)
    axes.set_yticks([at + 0.5 for at in range(len(found))], [_short(kind) for kind in found])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for lane, (kind, colour) in enumerate(colours(strikes).items()):
        _strike(axes, _of(strikes, kind), colour, (lane + 0.15, lane + 0.85), (0.35, 1.0))


def through(axes: "Axes", strikes: Sequence[Strike]) -> None:
    """Mark each fault from the bottom of the axes to their top."""
    for kind, colour in colours(strikes).items():
        _strike(axes, _of(strikes, kind), colour, (0, 1), (0.13, 0.55), relative=True)


def above(axes: "Axes", strikes: Sequence[Strike], height: int) -> None:
    """Mark each fault above axes that are `height` px high; this needs `room`."""
    for lane, (colour, group) in enumerate(reversed(_groups(strikes))):
        bottom = 1 + (2 + lane * RUG) / height
        span = bottom, bottom + (RUG - 1) / height
        _strike(axes, group, colour, span, (0.4, 1.0), relative=True)


def room(strikes: Sequence[Strike]) -> int:
    """Return the px that `above` needs, the usual margin included."""
    return TOP + RUG * len(_groups(strikes))


def _groups(strikes: Sequence[Strike]) -> list[tuple[str, list[Strike]]]:
    groups: dict[str, list[Strike]] = {}
    for kind, colour in colours(strikes).items():
        groups.setdefault(colour, []).extend(_of(strikes, kind))
    return list(groups.items())


def _of(strikes: Iterable[Strike], kind: str) -> list[Strike]:
    return [strike for strike in strikes if strike.fault == kind]


def _strike(  # noqa: PLR0913 - what, how and where
    axes: "Axes",
    strikes: Sequence[Strike],
    colour: str,
    span: tuple[float, float],
    alphas: tuple[float, float],
    *,
    relative: bool = False,
) -> None:
    from matplotlib.patches import PathPatch  # noqa: PLC0415

    where = axes.get_xaxis_transform() if relative else axes.transData
    band, tick = alphas
    healed = [(one.at, one.healed) for one in strikes if one.healed is not None]
    look: Mapping[str, object] = {"transform": where, "clip_on": max(span) <= 1 or not relative}
    if healed:
        shape = PathPatch(_bands(healed, span), fc=PALETTE[colour], ec="none", alpha=band, **look)
        axes.add_patch(shape)
    lines = _lines([one.at for one in strikes], span)
    axes.add_patch(PathPatch(lines, fc="none", ec=PALETTE[colour], lw=1, alpha=tick, **look))


# One path for all of a kind: an element for each of a thousand kills would be half a megabyte.
def _bands(times: Iterable[tuple[float, float]], span: tuple[float, float]) -> "Path":
    from matplotlib.path import Path  # noqa: PLC0415

    low, high = span
    corners = [
        corner
        for start, end in times
        for corner in ((start, low), (start, high), (end, high), (end, low), (start, low))
    ]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(corners, codes * (len(corners) // len(codes)))


def _lines(times: Sequence[float], span: tuple[float, float]) -> "Path":
    from matplotlib.path import Path  # noqa: PLC0415

    ends = [(at, y) for at in times for y in span]
    return Path(ends, [Path.MOVETO, Path.LINETO] * len(times))


def _ticks(seconds: float) -> list[float]:
    step = next((one for one in _STEPS if seconds / one <= _MOST_TICKS), seconds / _MOST_TICKS)
    return [step * at for at in range(int(seconds / step) + 1)]


def _short(kind: str) -> str:
    text = printable(kind)
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"
