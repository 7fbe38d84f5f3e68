"""The harness's own processes in one round: the live reader, and the sender that plays Seismic."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from ops.prove import ledger
from ops.prove.history import Attempt, Seen
from ops.prove.load import Workload
from ops.prove.process import Harness, HarnessFailed
from ops.prove.profiles import Profile
from ops.prove.readers import journal
from ops.prove.sender.plan import Plan, Planting
from ops.prove.telling import Telling
from ops.stack import Stack
from schemas.topics import DEFAULT_PARTITIONS


class Cast:
    """Leave the context, and none of them runs any more."""

    def __init__(self, stack: Stack, workload: Workload, profile: Profile, folder: Path) -> None:
        self._stack = stack
        self._workload = workload
        self._profile = profile
        self._folder = folder
        self._ledger = folder / "ledger.jsonl"
        self._journal = folder / "live.jsonl"
        self._processes = AsyncExitStack()
        self.sending = asyncio.Event()
        """Set once the sender sends, which on a busy machine is seconds after its start."""

    async def __aenter__(self) -> Self:
        await self._processes.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._processes.aclose()

    async def read_along(self) -> None:
        """Start the live reader; from now on it sees whatever becomes readable.

        Raises:
            HarnessFailed: it could not start.
        """
        plan = {
            "bootstrap_servers": self._stack.bootstrap_servers,
            "topic_prefix": self._stack.choice.topic_prefix,
            "partitions": DEFAULT_PARTITIONS,
            "file": str(self._journal),
        }
        self._reader = await self._start("live-reader", "ops.prove.readers.live", plan)
        async for _ in self._reader.lines():
            return
        await self._reader.ended()
        raise HarnessFailed("the live reader ended before it read")

    async def send(self, telling: Telling) -> None:
        """Play Seismic until all is sent, and all of it accepted or given up.

        Raises:
            HarnessFailed: the sender failed.
        """
        plan = self._sender_plan().model_dump(mode="json")
        sender = await self._start("sender", "ops.prove.sender", plan)
        async for line in sender.lines():
            self.sending.set()
            telling.sent(line)
        await sender.ended()
        self.sending.set()

    async def seen(self) -> list[Seen]:
        """Let the live reader read the rest, and return what it saw.

        Raises:
            HarnessFailed, Truncated: it did not read to the end.
        """
        self._reader.tell_to_stop()
        await self._reader.ended()
        return journal.read(self._journal)

    def attempts(self) -> list[Attempt]:
        """Return what the sender noted.

        Raises:
            Truncated: its ledger is not whole.
        """
        return ledger.read(self._ledger)

    def counted(self) -> int:
        """Return how many attempts the sender says that it made."""
        return ledger.read_closing(self._ledger).attempts

    def lags(self) -> Sequence[tuple[float, float]]:
        """Return how late the sender's own loop was: (time, seconds)."""
        return ledger.read_closing(self._ledger).lags

    def _sender_plan(self) -> Plan:
        deliveries = sum(1 for _ in self._workload.deliveries())
        return Plan(
            seed=self._workload.seed,
            name=self._workload.name,
            events=self._workload.events,
            rate=deliveries / self._profile.seconds,
            routes=self._routes(),
            secret_file=self._stack.state.secret_file,
            ledger=self._ledger,
            planting=Planting(
                bootstrap_servers=self._stack.bootstrap_servers,
                topic=self._stack.topics.raw.name,
                partitions=DEFAULT_PARTITIONS,
            ),
        )

    def _routes(self) -> dict[str, str]:
        urls = self._stack.webhook_urls
        return {f"ingress-{number}": url for number, url in enumerate(urls, 1)}

    async def _start(self, name: str, module: str, plan: dict[str, object]) -> Harness:
        harness = await Harness.start(name, module, plan, self._folder)
        self._processes.push_async_callback(harness.kill)
        return harness
