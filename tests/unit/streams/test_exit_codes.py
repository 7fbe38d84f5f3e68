"""A process that must not go on ends at once, with a code that says why."""

import asyncio
import os
import subprocess
import sys

import pytest

from streams.exit import ExitCode, Gap, ending_process


class Ended(BaseException):
    """Stands in for the end of the process; no `except Exception` catches it."""


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []

    def end(code: int) -> None:
        seen.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    return seen


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Gap("expected 5, got 7"), ExitCode.GAP),
        (RuntimeError("broker"), ExitCode.FAILED),
        (TimeoutError(), ExitCode.FAILED),
    ],
)
def test_any_error_ends_the_process(error: Exception, code: ExitCode, codes: list[int]) -> None:
    with pytest.raises(Ended), ending_process("test"):
        raise error
    assert codes == [code]


def test_cancellation_passes(codes: list[int]) -> None:
    with pytest.raises(asyncio.CancelledError), ending_process("test"):
        raise asyncio.CancelledError
    assert codes == []


def test_a_body_that_does_well_ends_nothing(codes: list[int]) -> None:
    with ending_process("test"):
        pass
    assert codes == []


def test_the_codes_are_what_supervisors_were_told() -> None:
    assert {code.name: code.value for code in ExitCode} == {"FAILED": 70, "GAP": 71, "CONFIG": 78}


def test_a_real_process_ends_without_clean_up_and_says_why() -> None:
    script = (
        "import atexit; from streams import exit, logs; logs.configure('INFO')\n"
        "atexit.register(print, 'cleaned up')\n"
        "try:\n"
        "    with exit.ending_process('handle raw-3'): raise exit.Gap('expected 5, got 7')\n"
        "finally: print('finally')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.returncode == ExitCode.GAP
    assert "handle raw-3" in ended.stdout
    assert "expected 5, got 7" in ended.stdout
    assert "cleaned up" not in ended.stdout
    assert "finally" not in ended.stdout
