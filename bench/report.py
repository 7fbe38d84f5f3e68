"""What was measured, for a terminal and for docs/benchmarks.md."""

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.table import Table

from bench import machine
from bench.figures import Row
from bench.restore import Restored
from bench.streams import Done
from ops.kafka.jars import VERSION as KAFKA

PACKAGES = ("aiokafka", "uvicorn", "starlette", "httptools", "uvloop", "orjson", "faust-streaming")


def table(rows: Sequence[Row]) -> Table:
    """Return the rows for a terminal."""
    found = Table("load", "server", *HEADINGS, title="CPU and answer times, medians")
    for row in rows:
        found.add_row(row.load.name, row.variant.name, *_cells(row))
    return found


HEADINGS = (
    "geophone's CPU ÷ its",
    "CPU µs a request",
    "a second",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "MiB",
)


def _cells(row: Row) -> list[str]:
    times = [f"{row.microseconds[name] / 1000:.2f}" for name in ("p50", "p99", "p999")]
    clean = "" if row.clean else " (not all 200)"
    figures = [f"{row.ratio:.2f}", f"{row.cpu_us:.1f}{clean}", f"{row.per_second:,.0f}"]
    return [*figures, *times, f"{row.resident_mib:.0f}"]


RESTORE_HEADINGS = (
    "marks are",
    "marks",
    "marks a second",
    "CPU µs a mark",
    "bytes in memory a mark",
    "bytes on disk a mark",
)
STREAMS_HEADINGS = (
    "geophone's CPU ÷ its",
    "CPU µs a record",
    "records a second, as they are written",
    "MiB",
)


def streams_rows(runs: Sequence[Done]) -> list[tuple[str, list[str]]]:
    """Return a meaning and its cells for every worker; medians, ratios of runs side by side."""
    workers = list(dict.fromkeys(run.worker for run in runs))
    own = {run.round: run for run in runs if run.worker is workers[0]}
    found = []
    for worker in workers:
        these = [run for run in runs if run.worker is worker]
        cells = [
            f"{median(own[run.round].cpu_us / run.cpu_us for run in these):.2f}",
            f"{median(run.cpu_us for run in these):.1f}",
            f"{median(run.per_second for run in these):,.0f}",
            f"{median(run.resident_mib for run in these):.0f}",
        ]
        found.append((worker.meaning, cells))
    return found


def restore_rows(runs: Sequence[Restored]) -> list[list[str]]:
    """Return the cells of every restore."""
    return [
        [
            run.where,
            f"{run.marks:,}",
            f"{run.per_second:,.0f}",
            f"{run.cpu_us:.2f}",
            f"{run.resident:.0f}",
            f"{run.on_disk:.0f}",
        ]
        for run in runs
    ]


def restore_table(runs: Sequence[Restored]) -> Table:
    """Return them for a terminal."""
    found = Table(*RESTORE_HEADINGS, title="Marks restored at a takeover")
    for cells in restore_rows(runs):
        found.add_row(*cells)
    return found


def streams_table(runs: Sequence[Done]) -> Table:
    """Return them for a terminal."""
    found = Table("worker", *STREAMS_HEADINGS, title="Deduplicate and split, medians")
    for meaning, cells in streams_rows(runs):
        found.add_row(meaning, *cells)
    return found


def streams_markdown(runs: Sequence[Done]) -> str:
    """Return them as a table."""
    rows = [[meaning, *cells] for meaning, cells in streams_rows(runs)]
    return _as_markdown(["worker", *STREAMS_HEADINGS], rows)


def restore_markdown(runs: Sequence[Restored]) -> str:
    """Return every restore as a row of a table."""
    return _as_markdown(RESTORE_HEADINGS, restore_rows(runs))


def _as_markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as one table for each load."""
    parts = []
    for load, those in groupby(rows, key=lambda row: row.load):
        cells = [[row.variant.meaning, *_cells(row)] for row in those]
        parts += [f"### {load.name}", _as_markdown(["server", *HEADINGS], cells)]
    return "\n\n".join(parts)


def conditions(command: str, rounds: int, seconds: float) -> str:
    """Say what the figures were made with."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"`{command}`: {rounds} rounds of {seconds:g} s, in turn; Kafka {KAFKA} (one broker), "
        f"Python {platform.python_version()}, {versions}; {machine.shape()}, "
        "the server on a core of its own, all else on the others."
    )


def plot(rows: Sequence[Row], file: Path) -> None:
    """Draw CPU per request and answer times, one row of bars for each load."""
    loads = list(dict.fromkeys(row.load for row in rows))
    with mpl.rc_context({"svg.hashsalt": "geophone", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 2.2 * len(loads)), layout="constrained")
        axes = figure.subplots(len(loads), 2, squeeze=False)
        for load, (cost, times) in zip(loads, axes, strict=True):
            those = [row for row in rows if row.load == load][::-1]
            names = [row.variant.name for row in those]
            bars = cost.barh(names, [row.cpu_us for row in those], color="#3b6ea5")
            cost.bar_label(bars, fmt="%.1f", padding=3)
            cost.set_title(f"{load.name}: CPU µs a request", fontsize=9)
            for name, marker in (("p50", "o"), ("p99", "s"), ("p999", "D")):
                ms = [row.microseconds[name] / 1000 for row in those]
                times.plot(ms, names, marker, label=name.replace("p999", "p99.9"))
            times.set_xscale("log")
            times.set_title("answer time, ms", fontsize=9)
            times.legend(fontsize=7)
        figure.savefig(file, format="svg", metadata={"Date": None})
