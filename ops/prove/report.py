"""What is left of a run: the report as JSON, and its summary for the terminal.

The JSON's members, which only ever gain new ones:

    format        "geophone-prove/1"
    verdict       "passed", "failed" or "void"; reasons: sentences, none if passed,
                  but for a matrix's cells that were not run
    command, profile, seed, began (ISO 8601), seconds (how long it took), versions, environment
    counts        name: number
    identities    [{sentence, left, right, holds}]
    findings      [{invariant, name, count, examples}]
    goals         [{name, limit_seconds, worst_seconds, occasions, met}]
    strikes       [{fault, target, at, healed, note, restarted}], seconds from the start
    series        {seconds: [...], columns: {name: [...]}}, null where unknown
    cells         [{fault, seed, verdict, reasons, goals, counts}]; the verdict may be "not run"

A body's digest is the harness's own name for it and says nothing to a reader: none is in here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ops.prove import matrix
from ops.prove.findings import Cell, Finding, Goal, Identity, Report, Verdict
from ops.prove.timeline import kinds
from ops.prove.words import clock, count, precise, printable

EXIT_CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.VOID: 2, Verdict.NOT_RUN: 2}
MEANINGS = {
    Verdict.PASSED: "Nothing answered 2xx was lost, nothing came twice, the books balance.",
    Verdict.FAILED: "geophone did not keep what it promises.",
    Verdict.VOID: "The harness itself failed: this run says nothing about geophone.",
    Verdict.NOT_RUN: "This machine does not allow it.",
}
NOT_JUDGED = "Times are measured, not judged: a busy machine is slow, and loses nothing."
STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "red",
    Verdict.VOID: "yellow",
    Verdict.NOT_RUN: "cyan",
}


def exit_code(verdict: Verdict) -> int:
    """Return what the process ends with: 0 passed, 1 failed, 2 void."""
    return EXIT_CODES[verdict]


def to_json(report: Report) -> bytes:
    """Return the report as indented JSON; the module's docstring names its members."""
    members = {
        "format": "geophone-prove/1",
        "verdict": report.verdict,
        "reasons": report.reasons,
        "command": report.command,
        "profile": report.profile,
        "seed": report.seed,
        "began": report.began,
        "seconds": report.seconds,
        "versions": dict(report.versions),
        "environment": dict(report.environment),
        "counts": dict(report.counts),
        "identities": [asdict(one) | {"holds": one.holds} for one in report.identities],
        "findings": [asdict(one) for one in report.findings],
        "goals": _goals(report.goals),
        "strikes": [asdict(one) for one in report.strikes],
        "series": _series(report),
        "cells": [_cell(one) for one in report.cells],
    }
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(members, default=_plain, option=options)


def summary(report: Report, places: Sequence[Path] = ()) -> RenderableType:
    """Return what a terminal shows at the end; `places` are the files the report lies in."""
    return Group(
        _verdict(report),
        *_findings(report.findings),
        *_identities(report.identities),
        *_reached(report.goals),
        *_numbers("Counts", "what", report.counts),
        *_numbers("Faults", "kind", kinds(report.strikes)),
        *_matrix(report.cells),
        *(Text.assemble("report: ", (str(place), "bold")) for place in places),
    )


def _goals(goals: Iterable[Goal]) -> list[dict[str, Any]]:
    return [asdict(one) | {"met": one.met} for one in goals]


def _series(report: Report) -> dict[str, Any]:
    columns = {name: list(column) for name, column in report.series.columns.items()}
    return {"seconds": list(report.series.seconds), "columns": columns}


def _cell(cell: Cell) -> dict[str, Any]:
    return asdict(cell) | {"goals": _goals(cell.goals), "counts": dict(cell.counts)}


def _plain(value: object) -> object:
    # After an hour's run a path among the environment's facts must not cost the report.
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def _verdict(report: Report) -> Panel:
    style = STYLES[report.verdict]
    lines = [
        Text(f"  {report.verdict.upper()}  ", style=f"bold reverse {style}"),
        Text(MEANINGS[report.verdict]),
        *(Text(f"• {printable(reason)}", style=style) for reason in report.reasons),
        *(Text(printable(line), style="dim") for line in _circumstances(report)),
    ]
    return Panel(Group(*lines), border_style=style, padding=(1, 3))


def _circumstances(report: Report) -> Iterable[str]:
    took = clock(report.seconds)
    yield f"profile {report.profile}, seed {report.seed}, {took}, began {report.began}"
    yield report.command


def _findings(findings: Sequence[Finding]) -> Iterable[RenderableType]:
    if findings:
        yield Rule("Findings", align="left", style="red")
    for one in findings:
        name = f" {printable(one.name)}" if one.name else ""
        yield Text.assemble((printable(one.invariant), "bold red"), f"{name}: {one.count:,}")
        yield from (Text(f"    {printable(example)}") for example in one.examples)


def _identities(identities: Sequence[Identity]) -> Iterable[Table]:
    if identities:
        table = _table("The books", "identity", "> left", "> right", "")
        for one in identities:
            sides = f"{one.left:,}", f"{one.right:,}"
            table.add_row(Text(printable(one.sentence)), *sides, _mark(good=one.holds))
        yield table


def _reached(goals: Sequence[Goal]) -> Iterable[RenderableType]:
    if goals:
        table = _table("Times", "goal", "> worst", "> limit", "> occasions", "")
        for one in goals:
            times = precise(one.worst_seconds), precise(one.limit_seconds)
            mark = Text("-") if one.worst_seconds is None else _mark(good=one.met)
            table.add_row(Text(printable(one.name)), *times, f"{one.occasions:,}", mark)
        yield table
        yield Text(NOT_JUDGED, style="dim")


def _numbers(title: str, what: str, counts: Any) -> Iterable[Table]:
    if counts:
        table = _table(title, what, "> number")
        for name, number in counts.items():
            table.add_row(Text(printable(name)), f"{number:,}")
        yield table


def _matrix(cells: Sequence[Cell]) -> Iterable[RenderableType]:
    if cells:
        seeds = matrix.seeds(cells)
        table = _table(count(len(cells), "cell"), "fault", *(f"seed {seed}" for seed in seeds))
        for fault, row in matrix.rows(cells):
            table.add_row(Text(printable(fault)), *map(_verdict_of, row))
        yield table


def _verdict_of(cell: Cell | None) -> Text:
    if cell is None:
        return Text("-")
    worst = precise(matrix.worst_answer(cell))
    return Text(f"{cell.verdict} {worst}", style=STYLES[cell.verdict])


def _mark(*, good: bool) -> Text:
    return Text("holds", style="green") if good else Text("BROKEN", style="bold red")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        right = column.startswith("> ")
        table.add_column(
            column.removeprefix("> "), justify="right" if right else "left", overflow="fold"
        )
    return table
