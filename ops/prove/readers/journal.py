"""The live reader's file: a line per record, and a last line with their number.

Without the last line, or with fewer records than it says, the file was cut off, and what is
missing from it says nothing about geophone.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from ops.prove.history import Record, Seen


class Truncated(Exception):
    """The file is not whole: its writer was killed, or failed."""


class Writer:
    """Appends to a new file; only `close` makes it whole."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")
        self._count = 0

    def write(self, seen: Iterable[Seen]) -> None:
        lines = [orjson.dumps(_line(one), option=orjson.OPT_APPEND_NEWLINE) for one in seen]
        self._file.writelines(lines)
        self._count += len(lines)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Write the last line."""
        with self._file:
            self._file.write(orjson.dumps({"count": self._count}, option=orjson.OPT_APPEND_NEWLINE))

    def abandon(self) -> None:
        """Leave the file as it is: not whole."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def read(path: Path) -> list[Seen]:
    """Return what the live reader saw, in its order.

    Raises:
        Truncated: the file is not whole.
        OSError: there is none.
    """
    with path.open("rb") as file:
        seen: list[Seen] = []
        words = _Words()
        for line in _parsed(file, path):
            if isinstance(line, dict):
                return _whole(seen, line, path)
            seen.append(words.seen(line))
    raise Truncated(f"{path} has no last line: its writer was ended, or failed")


def _parsed(file: BinaryIO, path: Path) -> Iterator[Any]:
    for number, line in enumerate(file, 1):
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Truncated(f"{path} is cut off in line {number}") from error


def _whole(seen: list[Seen], last: dict[str, int], path: Path) -> list[Seen]:
    if len(seen) != last["count"]:
        raise Truncated(f"{path} holds {len(seen)} of {last['count']} records")
    return seen


def _line(seen: Seen) -> tuple[Any, ...]:
    one = seen.record
    key = None if one.key is None else one.key.decode("latin-1")  # any bytes, there and back
    place = (one.kind, one.partition, one.offset, one.digest.hex(), key, one.source)
    return (*place, seen.at, seen.poll, seen.session)


class _Words:
    """Keeps one copy of each kind and key: a run has millions of records and few of these."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._keys: dict[str, bytes] = {}

    def seen(self, line: list[Any]) -> Seen:
        kind, partition, offset, digest, key, source, at, poll, session = line
        record = Record(
            self._kinds.setdefault(kind, kind),
            partition,
            offset,
            bytes.fromhex(digest),
            self._key(key),
            tuple(source) if source else None,
        )
        return Seen(record, at, poll, session)

    def _key(self, key: str | None) -> bytes | None:
        if key is None:
            return None
        if key not in self._keys:
            self._keys[key] = key.encode("latin-1")
        return self._keys[key]
