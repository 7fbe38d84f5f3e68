"""The ledger: every attempt that was made, one JSON array a line, and a last line that closes it.

A ledger that was not closed, or whose last line counts otherwise, says nothing about what was
sent, so it cannot be read.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import orjson

from ops.prove.history import Attempt

FLUSH_SECONDS = 0.5


class Truncated(Exception):
    """A ledger without its end, or with less or more in it than its end says."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The last line: how many attempts, and how late the writer's own loop was.

    `lags` has (time in monotonic seconds, longest lag in seconds since the one before).
    """

    attempts: int
    lags: Sequence[tuple[float, float]] = ()


class Ledger:
    """Writes one; closed by leaving the context without an error, and only so."""

    def __init__(self, path: Path) -> None:
        self.lags: list[tuple[float, float]] = []
        self._file = path.open("xb")
        self._lines: list[bytes] = []
        self._count = 0
        self._flushed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        with closing(self._file):
            if kind is None:
                self._lines.append(orjson.dumps({"attempts": self._count, "lags": self.lags}))
            self.flush()

    def append(self, attempt: Attempt) -> None:
        """Add one attempt; it reaches the file within `FLUSH_SECONDS` if more follow.

        Raises:
            OSError: the disk is full or the like.
        """
        fields = (attempt.event, attempt.route, attempt.started, attempt.ended, attempt.status)
        self._lines.append(orjson.dumps(fields))
        self._count += 1
        if attempt.ended - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Give all of it to the operating system."""
        self._flushed = time.monotonic()
        if self._lines:
            self._file.write(b"\n".join(self._lines) + b"\n")
            self._file.flush()
            self._lines.clear()


def read(path: Path) -> list[Attempt]:
    """Return every attempt of a closed ledger, in the order in which they ended.

    Raises:
        Truncated: see there.
    """
    expected = read_closing(path).attempts
    try:
        with path.open("rb") as file:
            attempts = list(_attempts(file))
    except ValueError as error:
        raise Truncated(f"{path} is damaged: {error}") from error
    if len(attempts) != expected:
        raise Truncated(f"{path} holds {len(attempts)} attempts and says that it holds {expected}")
    return attempts


def read_closing(path: Path) -> Closing:
    """Return the last line.

    Raises:
        Truncated: it is not there.
    """
    last = b""
    with path.open("rb") as file:
        for line in file:
            last = line
    if not (last.startswith(b"{") and last.endswith(b"}\n")):
        raise Truncated(f"{path} was not closed: whoever wrote it did not come to its end")
    said = orjson.loads(last)
    return Closing(said["attempts"], [(at, lag) for at, lag in said["lags"]])


def _attempts(file: IO[bytes]) -> Iterator[Attempt]:
    for line in file:
        if line.startswith(b"["):
            event, route, started, ended, status = orjson.loads(line)
            # A million attempts share a few names.
            yield Attempt(event, sys.intern(route), started, ended, status)
