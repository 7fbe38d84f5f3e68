"""A running stack seen from outside: who owns what, what lies where, and whether it adds up."""

import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import ClientError, ClientSession
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from ops.demo.handled import all_handled
from ops.reader import read_all
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PARTITIONS, Topics
from tests.books import balance, identity
from tests.seismic import Event
from tests.streams_rig import eventually
from tests.up_rig import Up

INGRESSES, WORKERS = ("ingress-1", "ingress-2"), ("streams-1", "streams-2")
BACK_SECONDS = 90.0
_SETTLED_SECONDS = 120.0
# Source partitions by stage; followup reads two topics, and which worker gets the tasks' is open.
_SHARED = {"dedup": DEFAULT_PARTITIONS, "followup": 2 * DEFAULT_PARTITIONS}


class Whole:
    """One stack; everything in its topics is taken into account, whoever sent it."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.topics = Topics(up.stack["topic_prefix"])
        self.connection = KafkaConnection(bootstrap_servers=up.stack["bootstrap_servers"])

    def webhook(self, ingress: str) -> str:
        return f"{self.up.process(ingress)['url']}/webhook"

    async def is_whole(self) -> bool:
        """Whether every process is ready, and both workers own a part of the work."""
        answers = [await self._ready(name) for name in (*INGRESSES, *WORKERS)]
        return all(answers) and all(
            [self._is_shared(stage, await self.owned(stage)) for stage in _SHARED]
        )

    @staticmethod
    def _is_shared(stage: str, owned: Sequence[float]) -> bool:
        return sum(owned) == _SHARED[stage] and min(owned) > 0

    async def owned(self, stage: str) -> list[float]:
        """Return how many partitions of a stage each worker has taken over."""
        sample = f'geophone_streams_partitions{{stage="{stage}"}}'
        return [(await self._metrics(worker)).get(sample, 0) for worker in WORKERS]

    async def end(self, *names: str, by: signal.Signals) -> None:
        """End processes and wait until the stack has started them again and is whole."""
        before = self.up.pids()
        for name in names:
            os.kill(before[name], by)
        await eventually(
            lambda: all(self.up.pids()[name] != before[name] for name in names),
            f"{' and '.join(names)} to be started again",
            BACK_SECONDS,
        )
        await eventually(self.is_whole, "the stack to be whole again", BACK_SECONDS)

    async def until_settled(self) -> None:
        """Wait until everything has been handled, and nothing new has come of it."""
        sizes = [-1]

        async def settled() -> bool:
            # A broker that was frozen belongs to no cluster for a moment after it has thawed.
            with suppress(KafkaError):
                kinds = await self._by_kind()
                sizes.append(sum(map(len, kinds.values())))
                return sizes[-2] == sizes[-1] and await all_handled(self.connection, kinds)
            return False

        await eventually(settled, "the streams to come to an end", _SETTLED_SECONDS, 0.5)

    async def assert_holds(self, accepted: set[Event]) -> None:
        """Assert that the books balance and that nothing of what was accepted is lost.

        Every distinct event of the raw topic is in its event topic, once, in its tenant's order;
        every accepted one is in the raw topic; every recipient has one task.
        """
        kinds = await self._by_kind()
        events = [r for kind, found in kinds.items() if kind.startswith("event.") for r in found]
        raw = kinds["raw"]
        balance(raw, events, kinds.get("quarantine", []))
        stored = {identity(record) for record in raw}
        lost = [event for event in accepted if (event.tenant, event.id) not in stored]
        assert not lost, f"{len(lost)} answered 2xx and lost, e.g. {lost[0]}"
        tasks = Counter(self.up.recipients())
        wrong = {who: tasks[who] for each in accepted for who in each.recipients if tasks[who] != 1}
        assert not wrong, f"{len(wrong)} recipients without exactly one task: {wrong}"

    async def _by_kind(self) -> dict[str, list[ConsumerRecord]]:
        names = [topic.name for topic in self.topics if topic is not self.topics.dedup]
        kinds: dict[str, list[ConsumerRecord]] = {}
        for record in await read_all(self.connection, names):
            kind = record.topic.removeprefix(self.up.stack["topic_prefix"])
            kinds.setdefault(kind, []).append(record)
        return kinds

    async def _ready(self, name: str) -> bool:
        status, _ = await self._admin(name, "/readyz")
        return status == 200

    async def _metrics(self, name: str) -> dict[str, float]:
        """Return samples by name and labels; none while the process does not answer."""
        _, text = await self._admin(name, "/metrics")
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {sample: float(value) for sample, value in pairs}

    async def _admin(self, name: str, path: str) -> tuple[int, str]:
        url = f"{self.up.process(name)['admin_url']}{path}"
        try:
            async with ClientSession() as session, session.get(url) as response:
                return response.status, await response.text()
        except ClientError:
            return 0, ""
