"""What came of the demo's deliveries, read back from the topics and the CRM."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from aiokafka import ConsumerRecord

from ops.demo.script import Step
from ops.reader import read_all
from ops.sender import Delivery
from ops.stack import Stack

_ASK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step and the answers it got."""

    step: Step
    deliveries: list[Delivery]


@dataclass(frozen=True, slots=True)
class Seen:
    """Records by value, per kind of topic (the name without its prefix), and the CRM's tasks."""

    records: Mapping[str, list[ConsumerRecord]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str, body: bytes) -> list[ConsumerRecord]:
        """Return the records of one topic that hold exactly these bytes."""
        return [record for record in self.records.get(kind, []) if record.value == body]

    def kinds_with(self, body: bytes) -> list[str]:
        """Return every topic but the raw one that holds these bytes."""
        return [kind for kind in self.records if kind != "raw" and self.of(kind, body)]


async def look(
    stack: Stack, session: ClientSession, outcomes: Iterable[Outcome], seconds: float
) -> Seen:
    """Read everything back once the expected tasks and events are there, or time is up."""
    wanted_tasks = sum(len(outcome.step.expected.tasks) for outcome in outcomes)
    wanted = [outcome.step for outcome in outcomes if outcome.step.expected.topic]
    deadline = time.monotonic() + seconds
    while True:
        seen = Seen(await _records(stack), await _tasks(stack, session))
        settled = len(seen.tasks) >= wanted_tasks and all(
            seen.of(str(step.expected.topic), step.body) for step in wanted
        )
        if settled or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(_ASK_SECONDS)


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
