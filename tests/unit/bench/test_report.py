"""Ratios are of runs side by side: what slows a whole round down does not change them."""

import re
from dataclasses import replace

import pytest

from bench import figures, report
from bench.ingress import Run
from bench.loadgen import Load, Sent
from bench.restore import Restored
from bench.streams import PLAIN_LOOP, PRODUCT, STOCK_FAUST, Done
from bench.variants import APPLICATION, USER
from bench.variants import PRODUCT as INGRESS

LOAD = Load("64 callers", 64)


def run(variant: object, number: int, cpu_us: float, answers: dict[str, int] | None = None) -> Run:
    sent = Sent([], answers or {"200": 10}, {}, 1000.0, {"p50": 1000, "p99": 2000, "p999": 3000})
    return Run(LOAD, variant, number, cpu_us, 40.0, sent)  # type: ignore[arg-type]


def done(worker: object, number: int, cpu_us: float) -> Done:
    return Done(worker, number, cpu_us, 1000.0, 50.0)  # type: ignore[arg-type]


def test_a_ratio_is_the_median_of_ratios_within_a_round() -> None:
    slow_rounds = [1.0, 10.0, 1.0]
    runs = [run(INGRESS, n, 20 * slow) for n, slow in enumerate(slow_rounds)]
    runs += [run(USER, n, 80 * slow) for n, slow in enumerate(slow_rounds)]
    own, user = figures.rows(runs, INGRESS)
    assert (own.ratio, user.ratio) == (1.0, 0.25)
    assert (own.cpu_us, user.cpu_us) == (20.0, 80.0)


def test_a_median_is_not_moved_by_one_odd_run() -> None:
    runs = [run(INGRESS, n, cpu) for n, cpu in enumerate((20.0, 20.0, 500.0))]
    runs += [run(APPLICATION, n, 40.0) for n in range(3)]
    assert [row.ratio for row in figures.rows(runs, INGRESS)] == [1.0, 0.5]


def test_what_was_not_run_under_a_load_has_no_row_there() -> None:
    alone = replace(run(USER, 0, 40.0), load=Load("1 caller", 1))
    runs = [run(INGRESS, 0, 20.0), replace(run(INGRESS, 0, 20.0), load=alone.load), alone]
    names = [(row.load.name, row.variant.name) for row in figures.rows(runs, INGRESS)]
    assert names == [("64 callers", "geophone"), ("1 caller", "geophone"), ("1 caller", "user")]


def test_a_row_says_when_not_every_answer_was_200() -> None:
    rows = figures.rows([run(INGRESS, 0, 20.0, {"200": 9, "503": 1})], INGRESS)
    assert "not all 200" in report.markdown(rows)
    assert "not all 200" not in report.markdown(figures.rows([run(INGRESS, 0, 20.0)], INGRESS))


def test_the_first_worker_is_what_the_others_are_compared_with() -> None:
    runs = [done(PRODUCT, n, 20.0) for n in range(3)]
    runs += [done(PLAIN_LOOP, n, 25.0) for n in range(3)]
    runs += [done(STOCK_FAUST, n, 400.0) for n in range(3)]
    assert [cells[0] for _, cells in report.streams_rows(runs)] == ["1.00", "0.80", "0.05"]


@pytest.mark.parametrize(
    "table",
    [
        report.streams_markdown([done(PRODUCT, 0, 20.0)]),
        report.restore_markdown([Restored("in RocksDB", 10, 300_000.0, 2.0, 8.0, 40.0)]),
        report.markdown(figures.rows([run(INGRESS, 0, 20.0)], INGRESS)),
    ],
)
def test_every_row_has_as_many_cells_as_the_table_has_headings(table: str) -> None:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == 3
    assert len({len(re.findall(r"\|", line)) for line in lines}) == 1
