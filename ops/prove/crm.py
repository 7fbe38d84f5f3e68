"""Every task of the CRM sandbox, read from its file: the HTTP interface shows the newest 10,000."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from ops.prove.history import Task

FILE = "crm-sandbox/tasks.sqlite"
"""Where the stack's sandbox keeps it, below the state folder."""

_WAIT_SECONDS = 10.0


def read_tasks(file: Path, mine: Callable[[str], bool] = lambda _: True) -> list[Task]:
    """Return the tasks of the tenants that `mine` says yes to, oldest first.

    The sandbox may be running: the file is opened for reading only, and what it has answered for
    is on disk.

    Raises:
        sqlite3.OperationalError: there is no such file, or it holds no tasks.
    """
    address = f"file:{quote(str(file.absolute()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)) as db:
        rows = db.execute("SELECT key, command FROM tasks ORDER BY id")
        tasks = [_task(key, orjson.loads(command)) for key, command in rows]
    return [task for task in tasks if mine(task.tenant)]


def _task(key: str, command: dict[str, Any]) -> Task:
    recipient = command["recipient"]
    return Task(key, command["tenantId"], recipient.get("email") or recipient["id"])
