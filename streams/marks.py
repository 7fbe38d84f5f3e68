"""Marks: which (tenantId, id) were written before, for one source partition.

The truth is the changelog topic, written in the same transaction as the outputs; what is here is
a copy. On disk it may be behind the changelog (the rest is read at takeover) but must never be
ahead of Kafka: a mark whose output Kafka has forgotten would drop the event's replay as a
duplicate, and lose it. So it records how far Kafka had got when it was written, and is thrown away
when Kafka has got less far since.
"""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from pathlib import Path
from typing import Protocol

import structlog
from rocksdict import BlockBasedOptions, Options, Rdict, WriteBatch, WriteOptions

from schemas.topics import DEDUP_WINDOW_MS

_WINDOW_SECONDS = DEDUP_WINDOW_MS / 1000
_POSITION, _GENERATION = b"position", b"generation"
_WRITE_BUFFER_BYTES = 4 * 1024 * 1024
_BLOOM_BITS = 10
_SWEEP_EVERY = 10_000
_DAMAGED = ("Corruption", "IO error: No such file")

log = structlog.get_logger(__name__)


def mark_key(tenant_id: str, event_id: str) -> bytes:
    """Return the 16-byte digest that identifies an event of a tenant."""
    return blake2b(f"{tenant_id}\0{event_id}".encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Position:
    """How far a copy of the marks reaches: next changelog offset, next source offset."""

    changelog: int
    source: int

    def encode(self) -> bytes:
        return b"%d %d" % (self.changelog, self.source)

    @classmethod
    def decode(cls, stored: bytes) -> "Position":
        changelog, source = map(int, stored.split())
        return cls(changelog, source)


START = Position(0, 0)


class Marks(Protocol):
    """The marks of one partition; all calls are synchronous and take microseconds."""

    def __contains__(self, key: object) -> bool: ...

    def add(self, keys: Iterable[bytes], position: Position) -> None:
        """Remember `keys`, which Kafka has committed, and how far that brings this copy."""

    def position(self) -> Position:
        """Return how far this copy reaches; `START` when it is empty."""

    def close(self) -> None:
        """Release what is held; the copy is not used afterwards."""


class MemoryMarks:
    """Marks in a dict, restored whole at every takeover: for small installations."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._seen: dict[bytes, float] = {}
        self._position = START
        self._added = 0

    def __contains__(self, key: object) -> bool:
        return key in self._seen

    def add(self, keys: Iterable[bytes], position: Position) -> None:
        now = self._clock()
        before = len(self._seen)
        self._seen.update(dict.fromkeys(keys, now))
        self._position = position
        self._added += len(self._seen) - before
        if self._added >= _SWEEP_EVERY:
            self._added = 0
            self._forget_before(now - _WINDOW_SECONDS)

    def position(self) -> Position:
        return self._position

    def close(self) -> None:
        self._seen.clear()

    def _forget_before(self, limit: float) -> None:
        """A dict keeps insertion order, so the oldest marks are at its front."""
        for key, _ in list(takewhile(lambda mark: mark[1] < limit, self._seen.items())):
            del self._seen[key]


class RocksMarks:
    """Marks in RocksDB, one database per partition, which survive the process.

    Written after Kafka's commit and not synced: a crash of the process loses nothing, a crash of
    the machine at most the tail, which the changelog still has.

    Marks lie in generations as long as the dedup window, and the one before the last is deleted as
    a whole. RocksDB's own time to live is of no use: opened a second time by rocksdict 0.3.29 it
    takes every entry for expired, and the next compaction drops them all.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._database = Rdict(str(folder), options=_options())
        self._generation = int(self._database.get(_GENERATION) or 0)
        self._now()

    def __contains__(self, key: object) -> bool:
        now, get = self._now(), self._database.get
        newer, older = _prefix(now) + key, _prefix(now - 1) + key  # type: ignore[operator] # only bytes are asked for
        return get(newer) is not None or get(older) is not None

    def add(self, keys: Iterable[bytes], position: Position) -> None:
        now = self._now()
        batch = WriteBatch(raw_mode=True)
        prefix = _prefix(now)
        for key in keys:
            batch.put(prefix + key, b"")
        batch.put(_GENERATION, b"%d" % now)
        batch.put(_POSITION, position.encode())
        self._database.write(batch, WriteOptions())

    def _now(self) -> int:
        """Return the generation of now; a clock that is set back does not bring back an old one."""
        now = int(self._clock() // _WINDOW_SECONDS)
        if now > self._generation:
            self._generation = now
            self._database.delete_range(_prefix(0), _prefix(now - 1))
        return self._generation

    def position(self) -> Position:
        stored = self._database.get(_POSITION)
        return Position.decode(stored) if stored else START

    def close(self) -> None:
        self._database.close()

    @classmethod
    def opened_not_ahead_of(cls, folder: Path, limit: Position) -> "RocksMarks":
        """Open the copy in `folder`; start over if it is damaged or claims more than Kafka has."""
        try:
            marks = cls(folder)
        except Exception as error:
            # rocksdict raises nothing more specific; another process's lock has to stay an error.
            if not str(error).startswith(_DAMAGED):
                raise
            log.exception("marks_damaged", folder=str(folder))
            shutil.rmtree(folder)
            return cls(folder)
        claimed = marks.position()
        if claimed.source <= limit.source and claimed.changelog <= limit.changelog:
            return marks
        marks.close()
        Rdict.destroy(str(folder))
        return cls(folder)


def _prefix(generation: int) -> bytes:
    return generation.to_bytes(4, "big")


def _options() -> Options:
    """Small buffers: a process may hold a dozen partitions, and marks are 20 bytes each.

    A Bloom filter, because nearly every event is new: 1.5 µs of CPU to say so, instead of 2.7.
    """
    table = BlockBasedOptions()
    table.set_bloom_filter(_BLOOM_BITS, block_based=False)
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(table)
    options.create_if_missing(True)  # noqa: FBT003 - the library's signature
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_keep_log_file_num(1)
    options.set_max_open_files(64)
    return options
