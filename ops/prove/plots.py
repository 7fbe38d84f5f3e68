"""Draws a run over time: what was answered, how fast, what waited, and which fault hit when."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from ops.prove.findings import Report, Series
from ops.prove.history import SENDER_LIMIT_SECONDS
from ops.prove.svg import PALETTE, Styles, inline
from ops.prove.thinning import MOST_POINTS, envelope, stretches, sums
from ops.prove.timeline import FEW, LANE, TOP, above, canvas, kinds, lanes, room, through
from ops.prove.words import clock, count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT_MS = SENDER_LIMIT_SECONDS * 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A column and how it is drawn; `dash` is `solid`, `dashed` or `dotted`."""

    column: str
    label: str
    colour: str
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a plot shows: `draw` puts lines on axes, `unit` is what its numbers are."""

    name: str
    title: str
    unit: str
    height: int  # px
    lines: Sequence[Line]
    draw: "Callable[[Axes, Series, Sequence[Line]], None]"


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing, ready for the page; `lines` are its legend, `note` says how to read them."""

    name: str
    title: str
    svg: str
    lines: Sequence[Line] = ()
    filled: bool = False
    note: str = ""


def plots(report: Report, styles: Styles) -> list[Plot]:
    """Return the plots for which the report has something to show."""
    drawn = [_faults(report, styles)] if report.strikes else []
    for sketch in SKETCHES:
        lines = [line for line in _wanted(sketch, report.series) if _known(report.series, line)]
        if lines:
            drawn.append(_plot(sketch, lines, report, styles))
    return drawn


def _faults(report: Report, styles: Styles) -> Plot:
    found = kinds(report.strikes)
    text = ", ".join(f"{kind} {number:,} times" for kind, number in found.items())
    title = f"Faults: {count(len(report.strikes), 'fault')}, by kind"
    with canvas("faults", LANE * len(found), report.seconds) as (figure, axes):
        lanes(axes, report.strikes)
        return Plot("faults", title, inline(figure, "faults", title, text, styles))


def _plot(sketch: Sketch, lines: Sequence[Line], report: Report, styles: Styles) -> Plot:
    filled, text = sketch.draw is _shares, _words(sketch, lines, report)
    over = filled or len(report.strikes) > FEW
    top = room(report.strikes) if over else TOP
    with canvas(sketch.name, sketch.height, report.seconds, top) as (figure, axes):
        if over:
            above(axes, report.strikes, sketch.height)
        else:
            through(axes, report.strikes)
        sketch.draw(axes, report.series, lines)
        svg = inline(figure, sketch.name, sketch.title, text, styles)
    return Plot(
        sketch.name, sketch.title, svg, lines, filled, "" if filled else _note(report.series)
    )


def _note(series: Series) -> str:
    if len(series.seconds) <= MOST_POINTS:
        return ""
    part = stretches(len(series.seconds), MOST_POINTS)[0]
    return f"line: median, band: lowest to highest of {part.stop} values each"


def _words(sketch: Sketch, lines: Iterable[Line], report: Report) -> str:
    ranges = (_range(line, report.series, sketch.unit) for line in lines)
    return f"Over {clock(report.seconds)}: {'; '.join(ranges)}."


def _range(line: Line, series: Series, unit: str) -> str:
    known = [value for value in series.columns[line.column] if value is not None]
    return f"{line.label} from {min(known):,.0f} to {max(known):,.0f} {unit}"


def _known(series: Series, line: Line) -> bool:
    return any(value is not None for value in series.columns.get(line.column, ()))


def _wanted(sketch: Sketch, series: Series) -> Sequence[Line]:
    codes = sorted(name for name in series.columns if name.startswith("status_"))
    return _statuses(codes) if codes and sketch.name == "shares" else sketch.lines


def _statuses(codes: Iterable[str]) -> list[Line]:
    return [
        Line(code, *STATUSES.get(code, (code.removeprefix("status_"), "dim"))) for code in codes
    ]


def _curves(axes: "Axes", series: Series, lines: Sequence[Line]) -> None:
    for line in lines:
        curve, colour = envelope(series.seconds, series.columns[line.column]), PALETTE[line.colour]
        if len(series.seconds) > MOST_POINTS:
            axes.fill_between(
                curve.seconds, curve.lowest, curve.highest, color=colour, alpha=0.3, lw=0
            )
        axes.plot(curve.seconds, curve.middle, color=colour, linestyle=line.dash, linewidth=1.4)


def _amounts(axes: "Axes", series: Series, lines: Sequence[Line]) -> None:
    _curves(axes, series, lines)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.locator_params(axis="y", nbins=5, integer=True)


def _answer_times(axes: "Axes", series: Series, lines: Sequence[Line]) -> None:
    axes.set_yscale("log", nonpositive="mask")
    axes.axhline(LIMIT_MS, color=PALETTE["red"], linewidth=1.6)
    _curves(axes, series, lines)
    lowest, highest = axes.get_ylim()
    bottom, top = min(1.0, lowest), max(2 * LIMIT_MS, highest)
    ticks = {at: name for at, name in TIMES.items() if bottom <= at <= top}
    axes.set_ylim(bottom, top)
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()


def _shares(axes: "Axes", series: Series, lines: Sequence[Line]) -> None:
    parts = stretches(len(series.seconds), MOST_POINTS)
    columns = [sums(series.columns[line.column], parts) for line in lines]
    totals = [sum(column) or float("nan") for column in zip(*columns, strict=True)]
    floor = [0.0] * len(parts)
    for line, column in zip(lines, columns, strict=True):
        share = [100 * part / total for part, total in zip(column, totals, strict=True)]
        roof = [low + part for low, part in zip(floor, share, strict=True)]
        times = [series.seconds[part][0] for part in parts]
        drawn = [not isnan(value) for value in roof]
        colour = PALETTE[line.colour]
        axes.fill_between(times, floor, roof, drawn, step="post", color=colour, alpha=0.7, lw=0)
        floor = roof
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])


TIMES = {
    0.1: "0.1 ms",
    1: "1 ms",
    10: "10 ms",
    100: "100 ms",
    1_000: "1 s",
    LIMIT_MS: f"{SENDER_LIMIT_SECONDS:.1f} s limit",
    10_000: "10 s",
    100_000: "100 s",
}
STATUSES = {
    "status_200": ("200", "blue"),
    "status_202": ("202", "sky"),
    "status_429": ("429", "purple"),
    "status_503": ("503", "orange"),
    "status_none": ("no answer", "red"),
}
_ANSWERS = (
    Line("accepted", "accepted", "blue"),
    Line("refused", "refused", "orange", "dashed"),
    Line("unanswered", "no answer", "red", "dotted"),
)
_TIMES = (
    Line("max", "slowest", "orange", "dotted"),
    Line("p99", "p99", "purple", "dashed"),
    Line("p50", "p50", "blue"),
)
SKETCHES = (
    Sketch("throughput", "Attempts per second", "per second", 150, _ANSWERS, _amounts),
    Sketch("times", "Answer times", "ms", 190, _TIMES, _answer_times),
    Sketch("shares", "Shares of the answers", "per second", 110, _ANSWERS, _shares),
    Sketch(
        "lag", "Raw records not handled", "records", 110, (Line("lag", "lag", "blue"),), _amounts
    ),
    Sketch(
        "unstable",
        "Records behind an open transaction",
        "records",
        110,
        (Line("unstable", "LSO to end", "purple"),),
        _amounts,
    ),
)
