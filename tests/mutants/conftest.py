"""Trials run when they are asked for; at the end they tell what was found."""

from typing import cast

import pytest

from ops.prove.faults import FAULTS
from ops.prove.faults.fault import Fault
from tests.mutants.faults import TRIAL_FAULTS

MARKER = "mutants"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if MARKER in config.option.markexpr:
        return
    trials = [item for item in items if item.get_closest_marker(MARKER)]
    config.hook.pytest_deselected(items=trials)
    items[:] = [item for item in items if item not in trials]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    rows = [dict(one.user_properties) for one in reports if one.when == "call"]
    rows = [row for row in rows if "trial" in row]
    if rows:
        terminalreporter.section("trials")
    for row in sorted(rows, key=lambda row: str(row["trial"])):
        terminalreporter.line(f"{row['trial']:28} {row['seconds']:>4} s  {row['found']}")


@pytest.fixture
def trial_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fault in TRIAL_FAULTS.items():
        monkeypatch.setitem(cast("dict[str, Fault]", FAULTS), name, fault)
