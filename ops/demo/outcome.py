"""What came of the demo's deliveries, read back from the topics and the CRM."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from aiokafka import ConsumerRecord

from ops.demo.handled import all_handled
from ops.demo.script import Step
from ops.reader import read_all
from ops.sender import Delivery
from ops.stack import Stack

_ASK_SECONDS = 0.2
_HOPELESS_SECONDS = 3.0
"""Everything handled and nothing new for so long: what is missing now will not come."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step and the answers it got."""

    step: Step
    deliveries: list[Delivery]


@dataclass(frozen=True, slots=True)
class Seen:
    """Records by kind of topic (the name without its prefix), and the CRM's tasks."""

    records: Mapping[str, list[ConsumerRecord]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str, body: bytes) -> list[ConsumerRecord]:
        """Return the records of one topic that hold exactly these bytes."""
        return [record for record in self.records.get(kind, []) if record.value == body]

    def kinds_with(self, body: bytes) -> list[str]:
        """Return every topic but the raw one that holds these bytes."""
        return [kind for kind in self.records if kind != "raw" and self.of(kind, body)]

    @property
    def size(self) -> int:
        """How much there is: the same number twice means that nothing has come."""
        return len(self.tasks) + sum(map(len, self.records.values()))


async def look(
    stack: Stack,
    session: ClientSession,
    outcomes: Sequence[Outcome],
    seconds: float,
    progress: Callable[[str], None],
) -> Seen:
    """Read everything back once all of it has been handled and nothing new comes.

    That is not when the expected things are there: a duplicate may come after them.
    """
    size, since = -1, time.monotonic()
    deadline = since + seconds
    while True:
        seen = Seen(await _records(stack), await _tasks(stack, session))
        progress(_found(outcomes, seen))
        new, size = seen.size != size, seen.size
        since = time.monotonic() if new else since
        if not new and await all_handled(stack.connection, seen.records):
            patience = 0.0 if _complete(outcomes, seen) else _HOPELESS_SECONDS
            if time.monotonic() >= since + patience:
                return seen
        if time.monotonic() > deadline:
            return seen
        await asyncio.sleep(_ASK_SECONDS)


def _complete(outcomes: Sequence[Outcome], seen: Seen) -> bool:
    found, wanted = _stored(outcomes, seen), _to_store(outcomes)
    return found == wanted and len(seen.tasks) >= _tasks_of(outcomes)


def _found(outcomes: Sequence[Outcome], seen: Seen) -> str:
    return (
        f"waiting for the topics and the CRM: {_stored(outcomes, seen)} of {_to_store(outcomes)} "
        f"records, {len(seen.tasks)} of {_tasks_of(outcomes)} tasks …"
    )


def _stored(outcomes: Sequence[Outcome], seen: Seen) -> int:
    steps = [outcome.step for outcome in outcomes]
    return sum(bool(seen.of(str(step.expected.topic), step.body)) for step in steps)


def _to_store(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.step.expected.topic is not None for outcome in outcomes)


def _tasks_of(outcomes: Sequence[Outcome]) -> int:
    return sum(len(outcome.step.expected.tasks) for outcome in outcomes)


async def _records(stack: Stack) -> dict[str, list[ConsumerRecord]]:
    topics = [topic.name for topic in stack.topics if topic is not stack.topics.dedup]
    by_kind: dict[str, list[ConsumerRecord]] = {}
    for record in await read_all(stack.connection, topics):
        kind = record.topic.removeprefix(stack.choice.topic_prefix)
        by_kind.setdefault(kind, []).append(record)
    return by_kind


async def _tasks(stack: Stack, session: ClientSession) -> list[dict[str, Any]]:
    async with session.get(f"{stack.crm_url}/tasks") as response:
        response.raise_for_status()
        tasks: list[dict[str, Any]] = (await response.json())["tasks"]
        return tasks
