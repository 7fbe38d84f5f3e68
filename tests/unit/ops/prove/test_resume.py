"""Which reports a matrix can go on from, and what is kept of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.prove import resume
from ops.prove.findings import Cell, Goal, Report, Verdict
from ops.prove.made_with import versions
from ops.prove.report import to_json
from ops.prove.resume import CannotResume, earlier

GOAL = Goal("no answer later than", 3.0, 0.5, 1)


def cell(verdict: Verdict, seed: int) -> Cell:
    return Cell("kill worker", seed, verdict, ("a reason",), (GOAL,), {"events": 3})


CELLS = [cell(verdict, seed) for seed, verdict in enumerate(Verdict)]
MATRIX = Report(
    Verdict.VOID,
    reasons=("cells are missing",),
    command="geophone prove --profile matrix --seed 7",
    profile="matrix",
    seed=7,
    began="2026-11-26T12:00:00+00:00",
    seconds=61.5,
    versions=versions(),
    counts={},
    cells=CELLS,
)


def test_all_cells_come_back_but_those_that_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(to_json(MATRIX))
    judged = [one for one in CELLS if one.verdict is not Verdict.VOID]
    assert to_json(earlier(tmp_path)) == to_json(replace(MATRIX, cells=judged))


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", to_json(MATRIX)[:-40]])
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(CannotResume, match="begin one without --resume"):
        earlier(tmp_path)


def test_one_run_cannot_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(to_json(replace(MATRIX, profile="soak")))
    with pytest.raises(CannotResume, match="of profile soak"):
        earlier(tmp_path)


def test_cells_of_another_make_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_bytes(to_json(MATRIX))
    here = {**versions(), "aiokafka": "9.9"}
    monkeypatch.setattr(resume, "versions", lambda: here)
    with pytest.raises(CannotResume, match=r"aiokafka [\d.]+, here 9\.9"):
        earlier(tmp_path)
