"""How `geophone prove` ends: with its verdict's exit code, or with a sentence and another code."""

import asyncio
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from ops.state import StateInUse

UNJUDGED = 2
_INTERRUPTED, _TERMINATED = 130, 143
_MENDABLE = OSError, StateInUse


def end_with(work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run it and exit with its code; what is no verdict never exits with a verdict's code."""
    try:
        code = asyncio.run(_stoppable(work()))
    except KeyboardInterrupt:
        leave("stopped before the end: nothing is proven, nothing left running", _INTERRUPTED)
    except asyncio.CancelledError:
        leave("told to stop: nothing is proven, nothing left running", _TERMINATED)
    except _MENDABLE as error:
        leave(str(error), UNJUDGED)
    except Exception:  # noqa: BLE001 - Python's own exit code would say that geophone failed
        traceback.print_exc()
        leave("a bug in the harness; this says nothing about geophone", UNJUDGED)
    sys.exit(code)


def leave(sentence: str, code: int) -> NoReturn:
    """Say it in one sentence, and exit."""
    sys.stderr.write(f"geophone: {sentence}\n")
    sys.exit(code)


async def _stoppable(work: Coroutine[Any, Any, int]) -> int:
    """Let SIGTERM end it as Ctrl-C does: whatever was started is stopped."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
