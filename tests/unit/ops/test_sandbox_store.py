import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from ops.sandbox.store import Counts, Store
from schemas.task import Person, Related, TaskCommand

START = datetime(2026, 10, 1, tzinfo=UTC)


def command(**changes: object) -> TaskCommand:
    task = TaskCommand(
        key=uuid4(),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="sam@vendor.example"),
        recipient=Person(id="r-1", email="Pat@customer.example"),
        subject="Follow up 100%",
        due=date(2026, 10, 1),
        related=Related(id="0064600", name="Renewal"),
    )
    return task.model_copy(update=changes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    ticks = count()
    store = Store(tmp_path / "crm.db", lambda: START + timedelta(seconds=next(ticks)))
    yield store
    store.close()


def test_a_second_create_returns_the_first_task_unchanged(store: Store) -> None:
    task = command()
    first, new = store.create(task)
    second, again = store.create(task.model_copy(update={"subject": "changed"}))
    assert (new, again) == (True, False)
    assert second == first


def test_threads_that_race_for_a_key_make_one_task(store: Store) -> None:
    task = command()
    with ThreadPoolExecutor(8) as pool:
        news = [new for _, new in pool.map(store.create, [task] * 50)]
    assert news.count(True) == 1
    assert store.outcomes(str(task.key)) == {"created": 1, "replayed": 49}


def test_completing_twice_keeps_the_first_time(store: Store) -> None:
    key = str(command().key)
    assert store.complete(key) is None
    task, _ = store.create(command())
    first = store.complete(task.key)
    assert first
    assert first.status == "completed"
    assert store.complete(task.key) == first


def test_newest_first_up_to_the_limit(store: Store) -> None:
    made = [store.create(command())[0] for _ in range(5)]
    assert store.tasks({}, 3) == made[:1:-1]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"tenant": "tenant-1"}, 1),
        ({"tenant": "tenant-2"}, 1),
        ({"tenant": "Tenant-1"}, 0),
        ({"recipient": "PAT@customer.example"}, 1),
        ({"recipient": "R-1"}, 1),
        ({"recipient": "Pat"}, 0),
        ({"event": "event-1"}, 1),
        ({"type": "LiveSendEmailV1"}, 2),
        ({"type": "LiveSendEmailV1", "tenant": "tenant-2"}, 1),
        ({"q": "RENEWAL"}, 1),
        ({"q": "100%"}, 1),
        ({"q": "%"}, 1),
        ({"q": "_"}, 0),
        ({"q": "' OR 1=1 --"}, 0),
        ({}, 2),
    ],
)
def test_filters(store: Store, filters: dict[str, str], found: int) -> None:
    store.create(command())
    store.create(
        command(
            tenant_id="tenant-2",
            event_id="event-2",
            recipient=Person(email="kim@customer.example"),
            subject="Call",
            related=None,
        )
    )
    assert len(store.tasks(filters, 10)) == found
    assert store.counts(filters).total == found


def test_counts_tell_open_from_completed(store: Store) -> None:
    store.create(command())
    store.complete(store.create(command())[0].key)
    assert store.counts({}) == Counts(total=2, completed=1)
    assert store.counts({}).open == 1


def test_the_ledger_holds_every_attempt_newest_first(store: Store) -> None:
    store.note(None, "invalid")
    store.note("k", "status 503", "status")
    assert store.attempts(None, 10) == [
        {
            "key": "k",
            "outcome": "status 503",
            "fault": "status",
            "at": "2026-10-01T00:00:01.000+00:00",
        },
        {"key": None, "outcome": "invalid", "fault": None, "at": "2026-10-01T00:00:00.000+00:00"},
    ]
    assert store.outcomes("k") == {"status 503": 1}


def test_a_task_is_on_disk_when_create_returns(tmp_path: Path) -> None:
    """The process ends without closing the file, as a kill would end it."""
    wire = command().encode()
    program = (
        "import os, sys; from datetime import *; from pathlib import Path;"
        "from ops.sandbox.store import Store; from schemas.task import TaskCommand;"
        "store = Store(Path(sys.argv[1]), lambda: datetime.now(UTC));"
        "store.create(TaskCommand.decode(sys.argv[2].encode())); os._exit(9)"
    )
    file = tmp_path / "crm.db"
    done = subprocess.run([sys.executable, "-c", program, file, wire.decode()], check=False)
    assert done.returncode == 9
    store = Store(file, lambda: START)
    assert store.counts({}).total == 1
    assert store.outcomes(None) == {"created": 1}
    store.close()
