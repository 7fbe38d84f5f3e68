"""`geophone demo` for real: the first thing a newcomer runs."""

import re
import signal
from pathlib import Path

import pytest

from tests.up_rig import Command, geophone, gone, wait_for


def test_the_demo_shows_and_checks_the_main_job(tmp_path: Path) -> None:
    ended = geophone(tmp_path, "demo")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for words in (
        "starting 1 Kafka broker(s) …",
        "Seismic sends: email to three, sent three times",
        "What came of each delivery",
        "The CRM's tasks",
        "All of it is right: stored, once, in its place.",
    ):
        assert words in ended.stdout
    for who in ("ada", "grace", "edsger", "barbara"):
        assert len(re.findall(rf"{who}@example\.com", ended.stdout)) == 1
    assert re.search(r"\d+\.\d s in all", ended.stdout)
    assert ended.stderr == ""
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert "\x1b" not in ended.stdout
    assert sorted(each.name for each in tmp_path.iterdir()) == [".geophone", "scratch"]
    assert not list((tmp_path / "scratch").iterdir())


def test_a_demo_that_goes_wrong_says_what_and_fails(tmp_path: Path) -> None:
    """Here the ingress refuses all but the shortest bodies."""
    ended = geophone(tmp_path, "demo", GEOPHONE_MAX_BODY_BYTES="120")
    assert ended.returncode == 1
    said = " ".join(ended.stdout.split())
    assert "wrong: LivesendUpdatedV1: answered 413, not 200" in said
    assert "wrong: LivesendUpdatedV1: is missing in event.LivesendUpdatedV1" in said
    assert "wrong: the CRM has 0 tasks for ada@example.com, not 1" in said
    assert "signed, but not JSON: " not in said
    assert "All of it is right" not in said


@pytest.mark.parametrize(("command", "code"), [("demo", 130), ("up", 0)])
def test_ctrl_c_during_the_start_leaves_nothing(tmp_path: Path, command: str, code: int) -> None:
    options = ["--port", "0"] if command == "up" else []
    running = Command(tmp_path, command, *options)
    try:
        wait_for(lambda: any("java" in p.name() for p in running.descendants()), "Kafka", 60)
        processes = running.descendants()
        assert running.stop(signal.SIGINT, group=True) == code, running.output
        assert gone(processes)
        assert "Traceback" not in running.output
        assert not list(tmp_path.glob("**/stack.json"))
    finally:
        running.end()
