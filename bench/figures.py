"""Figures of many runs: medians, and ratios of runs that were made side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.ingress import Run
from bench.loadgen import Load
from bench.variants import Variant


@dataclass(frozen=True, slots=True)
class Row:
    """One variant under one load; `ratio` is the product's CPU per request over the variant's."""

    load: Load
    variant: Variant
    ratio: float
    speed: float
    cpu_us: float
    per_second: float
    microseconds: dict[str, float]
    resident_mib: float
    clean: bool


def rows(runs: Sequence[Run], product: Variant) -> list[Row]:
    """Return the rows in the order of the runs."""
    found = []
    for load in _distinct(run.load for run in runs):
        loaded = [run for run in runs if run.load == load]
        own = {run.round: run for run in loaded if run.variant is product}
        for variant in _distinct(run.variant for run in loaded):
            these = [run for run in loaded if run.variant is variant]
            found.append(_row(load, variant, these, own))
    return found


def _row(load: Load, variant: Variant, runs: Sequence[Run], own: dict[int, Run]) -> Row:
    return Row(
        load,
        variant,
        median(own[run.round].cpu_us / run.cpu_us for run in runs),
        median(own[run.round].sent.per_second / run.sent.per_second for run in runs),
        median(run.cpu_us for run in runs),
        median(run.sent.per_second for run in runs),
        {
            name: median(run.sent.microseconds.get(name, 0) for run in runs)
            for name in ("p50", "p99", "p999")
        },
        median(run.resident_mib for run in runs),
        all(run.sent.clean for run in runs),
    )


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
