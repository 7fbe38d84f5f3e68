"""What a fault may lay its hands on, and how it tells what is where."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from ops.child import Child
from ops.kafka.cluster import LocalKafka
from ops.prove.faults.quorum import controller
from ops.prove.proxy import Link
from ops.stack import Stack

PATIENCE_SECONDS = 300.0
"""A fault whose effect or healing is not seen for so long has failed: the run is void."""

_POLL_SECONDS = 0.05
_SYNC_POLL_SECONDS = 1.0
"""All 840 partitions are asked for and decoded each time, on the cores that have to recover."""

_REQUEST_MS = 3000


class FaultFailed(Exception):
    """A fault could not be injected or healed; the run says nothing about geophone."""


class NotHere(Exception):
    """This machine or this stack does not allow the fault; the message says why."""


class Site:
    """A running stack that does not revive its brokers by itself.

    `kills` counts the processes that were ended by kill -9, and seen to be gone, by role.
    """

    def __init__(self, stack: Stack) -> None:
        if stack.choice.revive:
            raise ValueError("a stack that revives its brokers would undo the faults: revive=False")
        self.stack = stack
        self.kills: Counter[str] = Counter()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def kafka(self) -> LocalKafka:
        """The stack's own cluster.

        Raises:
            NotHere: it uses somebody else's.
        """
        if self.stack.kafka is None:
            raise NotHere("needs a Kafka of the stack's own")
        return self.stack.kafka

    def names(self, role: str) -> list[str]:
        """Return the processes of a role, `ingress` or `streams`.

        Raises:
            NotHere: there is none.
        """
        names = [c.program.name for c in self.stack.children if c.program.role == role]
        if not names:
            raise NotHere(f"needs a process of the role {role}")
        return names

    def links(self, kind: str) -> Sequence[Link]:
        """Return the links whose names begin so.

        Raises:
            NotHere: the stack runs without links.
        """
        if links := self.stack.links.of(kind):
            return links
        raise NotHere("needs links between the processes: proxied=True")

    @asynccontextmanager
    async def hold(self, *names: str) -> AsyncIterator[None]:
        """Keep other faults away from processes or from the whole cluster (`kafka`)."""
        async with AsyncExitStack() as held:
            for name in sorted(names):  # one order for all, so nobody waits for each other
                await held.enter_async_context(self._locks[name])
            yield

    async def running(self, name: str) -> Child:
        """Return the process of this name once it serves: it may just be coming back."""
        child = self.stack.child(name)
        await child.announced(PATIENCE_SECONDS)
        return child

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Ask the cluster directly, past every link."""
        servers = self.kafka.bootstrap_servers
        client = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=_REQUEST_MS)
        await client.start()
        try:
            yield client
        finally:
            await client.close()

    async def controller(self) -> int:
        """Return the number of the broker that is the active controller."""
        async with self.admin() as admin:
            return await controller(admin)

    async def leader(self) -> int:
        """Return the broker that leads most partitions of the raw topic, the lowest of equals."""
        async with self.admin() as admin:
            [topic] = await admin.describe_topics([self.stack.topics.raw.name])
        leads = Counter(partition["leader"] for partition in topic["partitions"])
        return int(max(sorted(leads), key=leads.__getitem__))

    async def until_in_sync(self) -> None:
        """Wait until every replica of every partition is in sync.

        Raises:
            FaultFailed: it was not so for PATIENCE_SECONDS, or a broker does not run.
        """
        replicas = _Replicas(self)
        try:
            await until(replicas.in_sync, "every replica to be in sync", _SYNC_POLL_SECONDS)
        finally:
            await replicas.close()


class _Replicas:
    """Asks how the replicas are, with one client for as long as that gets an answer."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._admin: AIOKafkaAdminClient | None = None
        self._open = AsyncExitStack()

    async def in_sync(self) -> bool:
        if dead := self._site.kafka.dead():
            raise FaultFailed(f"broker {dead} does not run, and no fault has ended it")
        try:
            return not _lagging(await (await self._client()).describe_topics())
        except (KafkaError, TimeoutError, OSError):  # the broker it asks may have gone
            await self.close()
            return False

    async def _client(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = await self._open.enter_async_context(self._site.admin())
        return self._admin

    async def close(self) -> None:
        self._admin = None
        await self._open.aclose()


async def until(condition: Callable[[], Any], what: str, pause: float = _POLL_SECONDS) -> None:
    """Poll until the condition, awaited if need be, holds; with `pause` seconds in between.

    Raises:
        FaultFailed: it did not within PATIENCE_SECONDS.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        held = condition()
        if await held if asyncio.iscoroutine(held) else held:
            return
        if time.monotonic() > deadline:
            raise FaultFailed(f"waited {PATIENCE_SECONDS:g} s in vain for {what}")
        await asyncio.sleep(pause)


def _lagging(topics: Iterable[dict[str, Any]]) -> bool:
    partitions = [partition for topic in topics for partition in topic["partitions"]]
    return any(set(each["isr"]) != set(each["replicas"]) for each in partitions)
