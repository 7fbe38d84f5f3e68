"""The report: its JSON is stable, its summary says all there is, and text of a run does nothing."""

import io
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from ops.prove.findings import Goal, Report, Verdict
from ops.prove.history import digest
from ops.prove.report import NOT_JUDGED, exit_code, summary, to_json
from tests import reports


def shown(report: Report, *places: Path, width: int = 120) -> str:
    printed = io.StringIO()
    Console(file=printed, width=width, force_terminal=False).print(summary(report, places))
    return printed.getvalue()


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.PASSED, 0), (Verdict.FAILED, 1), (Verdict.VOID, 2)]
)
def test_the_exit_code_tells_the_verdict(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict) == code


def test_the_json_has_these_members_and_no_others() -> None:
    members = orjson.loads(to_json(replace(reports.report(5, 2), cells=reports.matrix())))
    assert list(members) == [
        "format",
        "verdict",
        "reasons",
        "command",
        "profile",
        "seed",
        "began",
        "seconds",
        "versions",
        "environment",
        "counts",
        "identities",
        "findings",
        "goals",
        "strikes",
        "series",
        "cells",
    ]
    assert set(members["identities"][0]) == {"sentence", "left", "right", "holds"}
    goal = {"name", "limit_seconds", "worst_seconds", "occasions", "met"}
    assert set(members["goals"][0]) == goal
    assert set(members["strikes"][0]) == {"fault", "target", "at", "healed", "note", "restarted"}
    assert set(members["series"]) == {"seconds", "columns"}
    cell = members["cells"][0]
    assert set(cell) == {"fault", "seed", "verdict", "reasons", "goals", "counts"}
    assert set(cell["goals"][0]) == goal


def test_the_json_holds_what_the_report_holds() -> None:
    report = reports.broken("two are missing")
    members = orjson.loads(to_json(report))
    assert members["format"] == "geophone-prove/1"
    assert (members["verdict"], members["reasons"]) == ("failed", ["two are missing"])
    assert members["identities"][0] == {
        "sentence": "two are missing",
        "left": 10,
        "right": 8,
        "holds": False,
    }
    assert members["findings"][0]["examples"] == ["event 7: two are missing", "event 9"]
    assert members["goals"][0]["met"] is False
    assert members["series"]["columns"]["p99"][20:30] == [None] * 10
    assert [cell["verdict"] for cell in members["cells"]] == ["passed", "failed", "void"]


def test_the_same_report_is_the_same_bytes() -> None:
    written = to_json(reports.report())
    assert written == to_json(reports.report())
    assert written.startswith(b'{\n  "format"')
    assert written.endswith(b"}\n")


def test_an_odd_fact_of_the_environment_does_not_cost_the_report() -> None:
    odd = {"folder": Path("/data"), "digest": digest(b"body"), "brokers": {1: "up"}}
    members = orjson.loads(to_json(replace(reports.report(5, 1), environment=odd)))
    assert members["environment"] == {
        "folder": "/data",
        "digest": "16 bytes",
        "brokers": {"1": "up"},
    }


def test_the_summary_begins_with_the_verdict_and_its_reasons() -> None:
    text = shown(reports.broken("two are missing"))
    verdict, reason = text.index("FAILED"), text.index("• two are missing")
    assert verdict < reason < text.index("Findings")
    assert "seed 7, 1:00" in text
    assert "geophone prove --profile soak --seed 7" in text


def test_a_void_run_says_that_it_proves_nothing() -> None:
    text = shown(replace(reports.report(5, 1), verdict=Verdict.VOID, reasons=("a reader died",)))
    assert "VOID" in text
    assert "says nothing about geophone" in text
    assert "• a reader died" in text


def test_the_summary_shows_everything_found_and_measured() -> None:
    text = shown(reports.broken("two are missing"), Path("out/report.html"))
    rows = [" ".join(line.replace("│", " ").split()) for line in text.splitlines()]
    for row in (
        "I1 lost-write: 2",
        "event 7: two are missing",
        "event 9",
        "two are missing 10 8 BROKEN",
        "slowest answer 3.400 s 3.000 s 100 BROKEN",
        NOT_JUDGED,
        "attempts 1,240,110",
        "kill ingress 2",
        "kill broker passed 0.510 s failed 3.400 s",
        "cut link - void -",
        "report: out/report.html",
    ):
        assert row in rows


def test_a_goal_without_occasion_is_neither_met_nor_missed() -> None:
    goals = (Goal("drained", 120.0, None, 0),)
    line = next(
        line
        for line in shown(replace(reports.report(5, 1), goals=goals)).splitlines()
        if "drained" in line
    )
    assert "holds" not in line
    assert "BROKEN" not in line


def test_text_of_a_run_is_neither_markup_nor_steers_the_terminal() -> None:
    text = shown(reports.broken("[red]x[/red]\x1b[2J\x07"), width=160)
    assert "[red]x[/red]\\x1b[2J\\x07" in text
    assert "\x1b" not in text
