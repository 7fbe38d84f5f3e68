"""Which strikes hit a running load, and what a cell is worth whose fault did not."""

from dataclasses import replace

import pytest

from ops.prove.findings import Cell, Verdict
from ops.prove.history import Attempt, Strike
from ops.prove.page import page
from ops.prove.schedule import NOT_RUN
from ops.prove.struck import judged, without_load
from tests import reports

PASSED = Cell("kill ingress", 1, Verdict.PASSED, (), (), {})
ATTEMPTS = [
    Attempt(0, "ingress-1", 10.0, 10.1, 200),
    Attempt(1, "ingress-1", 11.0, 14.0, None),
    Attempt(2, "ingress-2", 12.0, 12.1, 200),
]


@pytest.mark.parametrize(
    ("at", "healed", "idle"),
    [
        (9.0, 9.5, True),  # before the load
        (9.0, 10.0, False),
        (10.5, 10.9, True),  # in a pause
        (13.0, 13.5, False),  # an attempt is under way
        (14.5, 20.0, True),
        (9.0, None, False),  # never healed
        (15.0, None, True),
    ],
)
def test_a_strike_has_load_if_an_attempt_was_under_way(
    at: float, healed: float | None, *, idle: bool
) -> None:
    strike = Strike("kill ingress", "ingress-1", at, healed)
    assert without_load([strike], ATTEMPTS) == ([strike] if idle else [])


def test_what_was_not_run_did_not_strike_without_load() -> None:
    assert without_load([Strike("kill ingress", NOT_RUN, 50, 50)], ATTEMPTS) == []


def test_a_loss_is_a_loss_even_if_the_fault_met_nobody() -> None:
    failed = replace(PASSED, verdict=Verdict.FAILED, reasons=("one is lost",))
    for strike in (Strike("x", "it", 50, 51), Strike("x", NOT_RUN, 50, 50, "needs root")):
        assert judged(failed, [strike], ATTEMPTS) is failed


def test_a_cell_that_was_not_run_is_shown_as_that() -> None:
    cell = judged(PASSED, [Strike("x", NOT_RUN, 50, 50, "needs root")], ATTEMPTS)
    assert (cell.verdict, cell.reasons) == (Verdict.NOT_RUN, ("needs root",))
    html = page(replace(reports.report(5, 1), cells=(cell,))).decode()
    assert '<span class="mark not_run">not run</span>' in html
    assert "needs root" in html
