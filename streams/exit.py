"""How this process ends when it must not go on.

Nothing is retried half-done: after any surprise in a transaction the only safe state is the one
Kafka has, so the process ends at once and its supervisor starts a new one from there. `os._exit`
skips every clean-up on purpose: a clean-up might commit, or send, or hang.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import structlog

log = structlog.get_logger(__name__)


class ExitCode(IntEnum):
    """Why a streams process ended; a supervisor restarts on each but CONFIG."""

    FAILED = 70
    """A broker step failed or timed out, or a newer process took this one's partition over."""
    GAP = 71
    """The contiguity guard saw an offset other than the next: going on would lose records."""
    CONFIG = 78
    """A setting is wrong or missing, or a topic is not as the contract says."""


class Gap(Exception):
    """A record came whose offset is not the expected one."""


@contextmanager
def ending_process(step: str) -> Iterator[None]:
    """End the process if the body raises anything; cancellation passes."""
    try:
        yield
    except Gap as error:
        _end(ExitCode.GAP, step, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, going on is not safe
        _end(ExitCode.FAILED, step, error)


def _end(code: ExitCode, step: str, error: Exception) -> None:
    log.critical("process_ends", step=step, exit_code=int(code), error=repr(error), exc_info=error)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
