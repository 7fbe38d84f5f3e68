"""A CRM that is down while events go on, and then drained as fast as its rate limit allows.

`pytest tests/integration/test_crm_outage.py --crm-outage 600 -s` is the long one: ten minutes.
"""

import asyncio
import socket
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from tests.admin_probe import Probe
from tests.crm_rig import SECRET, Sandbox, dead_letters, order, worker
from tests.kafka_fixture import RunningKafka
from tests.sandbox_fixture import running_sandbox
from tests.streams_rig import SESSION_SECONDS, eventually, rig

EVENTS_PER_SECOND = 50
LIMIT = 40
"""Calls per second: less than come in, as after a real outage, and little for a busy machine."""
ANSWER_SECONDS = 0.02
ALLOWANCE = 0.9
"""What is to be made of the limit, at the least."""


def created(file: Path) -> list[float]:
    """Return when each task was created, in epoch seconds."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT created_at FROM tasks ORDER BY id").fetchall()
    return [datetime.fromisoformat(at).timestamp() for (at,) in rows]


def fastest(moments: Sequence[float], count: int) -> float:
    """Return the highest rate, per second, at which so many followed each other."""
    spans = [later - earlier for earlier, later in zip(moments, moments[count:], strict=False)]
    return count / min(spans)


@pytest.mark.timeout(3600)
async def test_a_long_outage_is_drained_within_the_rate_limit(
    kafka: RunningKafka, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seconds = request.config.getoption("--crm-outage")
    total = seconds * EVENTS_PER_SECOND
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=4) as r:
        child = worker(
            r, url, crm_requests_per_second=str(LIMIT), crm_timeout_seconds="5", stalled_seconds="5"
        )
        probe = Probe(child)
        await eventually(lambda: owns_all(probe), "the worker to own its partitions")
        pid, began = child.pid, time.monotonic()
        for second in range(seconds):
            await order(r, range(second * EVENTS_PER_SECOND, (second + 1) * EVENTS_PER_SECOND))
            assert await probe.livez() == 200
            await asyncio.sleep(max(0.0, began + second + 1 - time.monotonic()))
        assert time.monotonic() - began > 3 * SESSION_SECONDS, "no member would have been missed"
        assert await probe.metric("geophone_crm_retries_total") > 0
        with running_sandbox(tmp_path, "--port", str(port), secret=SECRET):
            await Sandbox(url).faults({"kind": "slow", "seconds": ANSWER_SECONDS})
            await eventually(partial(Sandbox(url).has_total, total), "all tasks", 1800, pause=0.5)
            await r.until_idle("crm", r.topics.task.name)
        moments = created(tmp_path / "crm.db")
        # Without the second that may come at once; by thirds, so that a pause of the machine
        # does not pass for one of ours.
        rate = fastest(moments[LIMIT:], total // 3)
        sys.stdout.write(f"\n{total} tasks after {seconds} s, {rate:.1f}/s of {LIMIT}/s\n")
        assert len(moments) == total
        assert rate >= ALLOWANCE * LIMIT
        assert fastest(moments, 4 * LIMIT) <= 1.5 * LIMIT, "faster than it may be"
        assert await dead_letters(r) == []
        assert (child.pid, child.exits) == (pid, [])
        assert await probe.metric("geophone_streams_takeover_seconds_count", stage="crm") == 4
        assert "revoked" not in child.log.read_text(), "a rebalance"


async def owns_all(probe: Probe) -> bool:
    return await probe.metric("geophone_streams_partitions", stage="crm") == 4
