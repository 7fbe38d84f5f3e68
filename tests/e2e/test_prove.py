"""`geophone prove` for real: it kills what it runs, and finds that nothing is missing."""

import os
import signal
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from tests.up_rig import Command, geophone, gone, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(400)]

STATE = Path(".geophone/prove")
SMALL = ("--events", "1500", "--kills", "3", "--minutes", "0.4", "--seed", "7")


def left_running(folder: Path) -> list[psutil.Process]:
    """Return what works in the folder or was started with it, whoever its parent is now."""
    return [each for each in psutil.process_iter() if _belongs(each, str(folder))]


def _belongs(process: psutil.Process, folder: str) -> bool:
    try:
        if process.pid == os.getpid() or gone([process]):
            return False
        return str(process.environ().get("TMPDIR")).startswith(folder)
    except psutil.Error:
        return False


def test_it_proves_a_small_run_with_three_kills(tmp_path: Path) -> None:
    ended = geophone(tmp_path, "prove", *SMALL, seconds=380)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert "PASSED" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert not left_running(tmp_path)

    report: dict[str, Any] = orjson.loads((tmp_path / STATE / "report.json").read_bytes())
    assert (report["verdict"], report["reasons"]) == ("passed", [])
    assert len(report["identities"]) > 5
    assert all(identity["holds"] for identity in report["identities"])
    assert report["command"] == f"geophone prove {' '.join(SMALL)}"
    counts = report["counts"]
    assert counts["events"] == 1500
    assert counts["kill -9"] == 3
    assert [strike["fault"].split()[0] for strike in report["strikes"]].count("kill") == 3
    assert counts["attempts"] > counts["raw records"] > counts["output records"] > 1000
    assert counts["duplicates dropped"] > 0
    assert counts["quarantined"] > 0
    assert counts["tasks"] > 0
    assert sum(each or 0 for each in report["series"]["columns"]["accepted"]) > 1000
    assert (tmp_path / STATE / "report.html").stat().st_size > 10_000
    assert not list(tmp_path.glob("**/stack.json"))
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_in_the_middle_it_leaves_nothing_running(
    tmp_path: Path, number: signal.Signals
) -> None:
    running = Command(tmp_path, "prove", "--events", "2000", "--minutes", "1", "--seed", "3")
    try:
        ledger = tmp_path / STATE / "run" / "ledger.jsonl"
        wait_for(lambda: ledger.exists() and ledger.stat().st_size > 0, "the first events", 150)
        assert len(left_running(tmp_path)) > 10
        processes = running.descendants()
        code = running.stop(number, group=number is signal.SIGINT)
        assert code == (130 if number is signal.SIGINT else 143), running.output
        assert gone(processes)
        assert not left_running(tmp_path)
        assert "nothing is proven, nothing left running" in running.output.splitlines()[-1]
        assert "Traceback" not in running.output
        assert "never retrieved" not in running.output
        assert not list(tmp_path.glob("**/stack.json"))
        assert not (tmp_path / STATE / "report.json").exists()
    finally:
        running.end()
