"""Every task, from the sandbox's own file."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from ops.prove.crm import read_tasks
from ops.prove.history import Task
from ops.sandbox.store import Store
from schemas.task import Person, TaskCommand


def command(number: int, tenant: str, **recipient: str) -> TaskCommand:
    return TaskCommand(
        key=UUID(int=number),
        tenant_id=tenant,
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="sam@vendor.example"),
        recipient=Person(**recipient),
        subject="Follow up",
        due=date(2026, 10, 1),
    )


def store(file: Path) -> Store:
    return Store(file, lambda: datetime(2026, 10, 1, tzinfo=UTC))


def test_all_are_read_while_the_sandbox_runs_and_after(tmp_path: Path) -> None:
    file = tmp_path / "tasks 100%?.sqlite"
    running = store(file)
    for number in range(12):
        running.create(command(number, "mine", email=f"{number}@example.com"))
    running.create(command(20, "mine", id="r-20"))
    running.create(command(3, "mine", email="3@example.com"))  # a replay
    expected = [Task(str(UUID(int=n)), "mine", f"{n}@example.com") for n in range(12)]
    expected.append(Task(str(UUID(int=20)), "mine", "r-20"))
    assert read_tasks(file) == expected
    running.close()
    assert read_tasks(file) == expected


def test_tasks_of_others_are_left_out(tmp_path: Path) -> None:
    running = store(tmp_path / "file")
    running.create(command(1, "mine", email="a@example.com"))
    running.create(command(2, "another's", email="b@example.com"))
    found = read_tasks(tmp_path / "file", lambda tenant: tenant == "mine")
    running.close()
    assert [task.recipient for task in found] == ["a@example.com"]


def test_more_are_read_than_the_http_interface_shows(tmp_path: Path) -> None:
    running = store(tmp_path / "file")
    running.close()
    row = command(1, "mine", email="a@example.com").encode().decode()
    with sqlite3.connect(tmp_path / "file") as db:
        rows = [(str(number), row, "") for number in range(10_001)]
        db.executemany("INSERT INTO tasks (key, command, created_at) VALUES (?, ?, ?)", rows)
    db.close()
    assert len(read_tasks(tmp_path / "file")) == 10_001


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        read_tasks(tmp_path / "none")
    assert not list(tmp_path.iterdir())
