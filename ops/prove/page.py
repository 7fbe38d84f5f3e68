"""The report as one HTML page that needs nothing else: it can be mailed, kept, and printed.

It has no script and asks for nothing. The Content-Security-Policy names the hash of its own style
and allows nothing more, so that no text from a run can act.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from string import Template

from ops.prove import matrix
from ops.prove.findings import Cell, Finding, Goal, Identity, Report, Verdict
from ops.prove.history import Strike
from ops.prove.plots import Plot, plots
from ops.prove.report import MEANINGS, NOT_JUDGED
from ops.prove.svg import Styles
from ops.prove.tables import Markup, badge, table, text
from ops.prove.timeline import colours, kinds
from ops.prove.words import clock, count, precise

MOST_STRIKES = 2_000
"""Rows of the list of faults; the JSON has all of them."""


def page(report: Report) -> bytes:
    """Return the report as a self-contained HTML document in UTF-8."""
    styles = Styles()
    sections = _sections(report, plots(report, styles))
    style = f"{_file('page.css')}{styles.css()}\n"
    html = Template(_file("page.html")).substitute(
        policy=_policy(style),
        style=style,
        seed=report.seed,
        tone=report.verdict.value,
        verdict=report.verdict.upper(),
        meaning=text(MEANINGS[report.verdict]),
        reasons=_list(report.reasons) if report.reasons else "",
        circumstances=_circumstances(report),
        sections=sections,
    )
    return html.encode()


def _sections(report: Report, drawn: Sequence[Plot]) -> str:
    parts = {
        "Findings": _findings(report.findings),
        "The books": _identities(report.identities),
        "Times": _goals(report.goals),
        "Fault by seed": _matrix(report.cells),
        "Over time": _figures(drawn, report.strikes),
        "Faults": _strikes(report.strikes),
        "Counts": _pairs("Counts", report.counts),
        "Made with": _pairs("Made with", {**report.versions, **report.environment}),
    }
    return "".join(
        f"<section><h2>{name}</h2>{part}</section>" for name, part in parts.items() if part
    )


def _circumstances(report: Report) -> str:
    facts = {
        "command": Markup(f"<code>{text(report.command)}</code>"),
        "profile": report.profile,
        "seed": report.seed,
        "began": report.began,
        "took": f"{clock(report.seconds)} ({report.seconds:,.0f} s)",
    }
    return "".join(
        f"<div><dt>{name}</dt><dd>{text(fact)}</dd></div>" for name, fact in facts.items()
    )


def _findings(findings: Sequence[Finding]) -> Markup:
    if not findings:
        return Markup("<p>None.</p>")
    rows = ((one.invariant, one.name, f"{one.count:,}", _list(one.examples)) for one in findings)
    return table(("invariant", "name", ">times", "examples"), rows, "Findings")


def _identities(identities: Sequence[Identity]) -> str:
    rows = [
        (one.sentence, f"{one.left:,}", f"{one.right:,}", _mark(good=one.holds))
        for one in identities
    ]
    return table(("identity", ">left", ">right", "verdict"), rows, "The books") if rows else ""


def _goals(goals: Sequence[Goal]) -> str:
    rows = [
        (
            one.name,
            precise(one.worst_seconds),
            precise(one.limit_seconds),
            f"{one.occasions:,}",
            _met(one),
        )
        for one in goals
    ]
    heads = ("goal", ">worst", ">limit", ">occasions", "verdict")
    return f"{table(heads, rows, 'Times')}<p>{text(NOT_JUDGED)}</p>" if rows else ""


def _met(goal: Goal) -> Markup:
    return text("no occasion") if goal.worst_seconds is None else _mark(good=goal.met)


def _mark(*, good: bool) -> Markup:
    return badge("holds", Verdict.PASSED) if good else badge("broken", Verdict.FAILED)


def _matrix(cells: Sequence[Cell]) -> str:
    if not cells:
        return ""
    heads = ("fault", *(f"seed {seed}" for seed in matrix.seeds(cells)))
    rows = ((fault, *map(_cell, row)) for fault, row in matrix.rows(cells))
    return table(heads, rows, "Verdict and slowest answer by fault and seed")


def _cell(cell: Cell | None) -> Markup:
    if cell is None:
        return text("not run")
    verdict = (
        f"{badge(cell.verdict, cell.verdict.name.lower())} {precise(matrix.worst_answer(cell))}"
    )
    return Markup(verdict + (_list(cell.reasons) if cell.reasons else ""))


def _figures(drawn: Iterable[Plot], strikes: Sequence[Strike]) -> str:
    return "".join(_figure(plot, _keys(plot, strikes)) for plot in drawn)


def _figure(plot: Plot, keys: str) -> str:
    return f"<figure><figcaption><h3>{text(plot.title)}</h3>{keys}</figcaption>{plot.svg}</figure>"


def _keys(plot: Plot, strikes: Sequence[Strike]) -> str:
    if plot.lines:
        shape = "soft area" if plot.filled else ""
        keys = {line.label: f"{line.colour} {shape or line.dash}" for line in plot.lines}
    else:
        found, named = kinds(strikes), colours(strikes)
        keys = {f"{kind}: {number:,}": f"{named[kind]} area" for kind, number in found.items()}
    spans = (f'<span class="key {css}"><i></i>{text(label)}</span>' for label, css in keys.items())
    return "".join(spans) + (f'<span class="key">{text(plot.note)}</span>' if plot.note else "")


def _strikes(strikes: Sequence[Strike]) -> str:
    if not strikes:
        return ""
    shown = strikes[:MOST_STRIKES]
    rows = ((clock(one.at), one.fault, one.target, _healed(one), one.note) for one in shown)
    listed = table((">at", "fault", "target", ">healed after", "note"), rows, "Every fault")
    more = "" if len(shown) == len(strikes) else f", the first {count(len(shown), 'row')}"
    return (
        _pairs("Faults by kind", kinds(strikes))
        + f"<details><summary>Every fault in order{more}</summary>{listed}</details>"
    )


def _healed(strike: Strike) -> str:
    return "-" if strike.healed is None else precise(strike.healed - strike.at)


def _pairs(label: str, pairs: Mapping[str, object]) -> str:
    number = all(isinstance(value, int) for value in pairs.values())
    rows = [(name, f"{value:,}" if number else value) for name, value in pairs.items()]
    return table(("what", ">number" if number else "value"), rows, label) if rows else ""


def _list(texts: Iterable[str]) -> Markup:
    return Markup(f'<ul class="examples">{"".join(f"<li>{text(one)}</li>" for one in texts)}</ul>')


def _policy(style: str) -> str:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src 'sha256-{digest}'"
    )


def _file(name: str) -> str:
    return files("ops.prove").joinpath(name).read_text("utf-8")
