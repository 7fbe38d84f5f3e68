"""The sandbox's tasks, and a ledger of every attempt to create one, in one SQLite file.

A task and the attempt that made it are one transaction, on disk before the caller is answered
(WAL with synchronous=FULL): after a kill the file holds exactly what was promised.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from schemas.task import TaskCommand

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,
    created_at TEXT NOT NULL,
    completed_at TEXT
);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY,
    key TEXT,
    outcome TEXT NOT NULL,
    fault TEXT,
    at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_by_key ON attempts (key);
"""
_SEARCHED = ("subject", "recipient", "owner", "related", "tenantId", "eventType", "eventId")
_TEXT = " || ' ' || ".join(f"coalesce(command ->> '$.{name}', '')" for name in _SEARCHED)
# Filter -> condition on its parameter. Values are bound, never pasted in.
FILTERS: Mapping[str, str] = {
    "key": "key = :key",
    "tenant": "command ->> '$.tenantId' = :tenant",
    "recipient": "lower(:recipient) IN"
    " (lower(command ->> '$.recipient.email'), lower(command ->> '$.recipient.id'))",
    "event": "command ->> '$.eventId' = :event",
    "type": "command ->> '$.eventType' = :type",
    "q": f"instr(lower({_TEXT}), lower(:q)) > 0",
}


@dataclass(frozen=True)
class Task:
    """One stored task; `command` is the task command's wire form, times are RFC 3339."""

    id: str
    key: str
    command: Mapping[str, Any]
    created_at: str
    completed_at: str | None

    @property
    def status(self) -> Literal["open", "completed"]:
        return "completed" if self.completed_at else "open"

    def to_json(self) -> dict[str, Any]:
        """Return what the HTTP interface shows."""
        return {
            "id": self.id,
            "key": self.key,
            "status": self.status,
            "createdAt": self.created_at,
            "completedAt": self.completed_at,
            "command": self.command,
        }


@dataclass(frozen=True)
class Counts:
    """Tasks that passed a filter, and how many of them are completed."""

    total: int
    completed: int

    @property
    def open(self) -> int:
        return self.total - self.completed


class Store:
    """May be called from any thread; calls take turns, as SQLite has one writer anyway."""

    def __init__(self, file: Path, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; no call may follow."""
        self._db.close()

    def create(self, command: TaskCommand, fault: str | None = None) -> tuple[Task, bool]:
        """Store the command unless its key is known: the stored task, and whether it is new.

        The ledger gets the outcome, `created` or `replayed`, and the fault played with it.
        """
        key, wire = str(command.key), command.encode().decode()
        with self._turn() as db:
            new = db.execute(
                "INSERT INTO tasks (key, command, created_at) VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO NOTHING",
                (key, wire, self._time()),
            ).rowcount
            self._note(db, key, "created" if new else "replayed", fault)
            return _tasks(db, {"key": key}, 1)[0], bool(new)

    def note(self, key: str | None, outcome: str, fault: str | None = None) -> None:
        """Put an attempt that stored nothing into the ledger."""
        with self._turn() as db:
            self._note(db, key, outcome, fault)

    def complete(self, key: str) -> Task | None:
        """Mark the task done, as a person would; None if there is none. Its first time stays."""
        with self._turn() as db:
            db.execute(
                "UPDATE tasks SET completed_at = coalesce(completed_at, ?) WHERE key = ?",
                (self._time(), key),
            )
            return next(iter(_tasks(db, {"key": key}, 1)), None)

    def tasks(self, filters: Mapping[str, str], limit: int) -> list[Task]:
        """Return the newest tasks that pass all filters (names in `FILTERS`), newest first."""
        with self._turn() as db:
            return _tasks(db, filters, limit)

    def counts(self, filters: Mapping[str, str]) -> Counts:
        """Count the tasks that pass all filters."""
        with self._turn() as db:
            return Counts(*_select(db, "count(*), count(completed_at)", filters, "").fetchone())

    def attempts(self, key: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the newest attempts, of one key or of all, newest first."""
        with self._turn() as db:
            rows = db.execute(
                "SELECT key, outcome, fault, at FROM attempts WHERE :key IS NULL OR key = :key"
                " ORDER BY id DESC LIMIT :limit",
                {"key": key, "limit": limit},
            )
            return [dict(row) for row in rows]

    def outcomes(self, key: str | None) -> dict[str, int]:
        """Return how many attempts, of one key or of all, had each outcome."""
        with self._turn() as db:
            rows = db.execute(
                "SELECT outcome, count(*) FROM attempts WHERE :key IS NULL OR key = :key"
                " GROUP BY outcome",
                {"key": key},
            )
            return dict(rows.fetchall())

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            yield self._db

    def _note(
        self, db: sqlite3.Connection, key: str | None, outcome: str, fault: str | None
    ) -> None:
        db.execute(
            "INSERT INTO attempts (key, outcome, fault, at) VALUES (?, ?, ?, ?)",
            (key, outcome, fault, self._time()),
        )

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")


def _tasks(db: sqlite3.Connection, filters: Mapping[str, str], limit: int) -> list[Task]:
    rows = _select(db, "*", filters, f"ORDER BY id DESC LIMIT {int(limit)}")
    return [_task(row) for row in rows]


def _select(
    db: sqlite3.Connection, columns: str, filters: Mapping[str, str], tail: str
) -> sqlite3.Cursor:
    where = " AND ".join(FILTERS[name] for name in filters) or "TRUE"
    query = f"SELECT {columns} FROM tasks WHERE {where} {tail}"  # noqa: S608 - constants only
    return db.execute(query, dict(filters))


def _task(row: sqlite3.Row) -> Task:
    return Task(
        f"TASK-{row['id']}",
        row["key"],
        json.loads(row["command"]),
        row["created_at"],
        row["completed_at"],
    )
