"""The streams with the defect that the environment names: trials start this instead of them.

With a defect or without, the work stands still for a while where a kill would hurt most, and says
so: as on a slow Kafka, and with a kill that need not be lucky.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.transaction import EndTxnRequest

from schemas.topics import Topics
from streams import __main__, dedup, dedup_stage, restore
from streams.dedup import Decision
from streams.dedup_stage import DedupHandler
from streams.marks import Position
from streams.ownership import Ownership
from streams.source import Source
from streams.transaction import Output, TransactionalProducer
from tests.mutants.defects import VARIABLE, WORST_MOMENT

_LINGER_SECONDS = 0.5
_FAILS_ONCE_IN = 10

log = logging.getLogger(__name__)

_settled = TransactionalProducer._settled
_send = TransactionalProducer._send


async def _linger() -> None:
    Path(WORST_MOMENT).touch()  # noqa: ASYNC240 - an empty file, by a process on trial
    await asyncio.sleep(_LINGER_SECONDS)


def _linger_before_commits() -> None:
    commit = AIOKafkaProducer.commit_transaction

    async def commit_late(producer: AIOKafkaProducer) -> None:
        if any(".event." in written.topic for written in producer._txn_manager.txn_partitions):
            await _linger()
        await commit(producer)

    patch.object(AIOKafkaProducer, "commit_transaction", commit_late).start()


def _auto_commit() -> None:
    receive = Source._receive

    async def commit_what_was_fetched(
        source: Source, ownership: Ownership, records: Sequence[ConsumerRecord]
    ) -> None:
        with suppress(KafkaError):
            await source._consumer.commit({ownership.source: records[-1].offset + 1})
        await receive(source, ownership, records)

    patch.object(Source, "_receive", commit_what_was_fetched).start()


def _no_dedup() -> None:
    def mark_that_never_comes_again(_: str, __: str) -> bytes:
        return os.urandom(16)

    patch.object(dedup, "mark_key", mark_that_never_comes_again).start()


def _dedup_outside_transaction() -> None:
    async def marks_first(
        handler: DedupHandler, records: Sequence[ConsumerRecord], next_offset: int
    ) -> bool:
        decision = dedup.decide(records, handler._marks, handler._topics, handler._legacy_tenant)
        marks = handler._changelog_entries(decision)
        ends = await handler._producer.commit(marks, records[0].offset)
        if marks:
            await _linger()
        await handler._producer.commit(decision.outputs, next_offset)
        changelog = ends.get(handler._topics.dedup.name, handler._marks.position().changelog)
        handler._marks.add(decision.marks, Position(changelog, next_offset))
        return True

    patch.object(DedupHandler, "handle", marks_first).start()


def _finally_ack() -> None:
    handle, calls = DedupHandler.handle, count(1)

    async def acknowledged_anyway(
        handler: DedupHandler, records: Sequence[ConsumerRecord], next_offset: int
    ) -> bool:
        try:
            if next(calls) % _FAILS_ONCE_IN == 0:
                raise ConnectionError("something that would have gone well the next time")  # noqa: TRY301 - the handler's own error
            return await handle(handler, records, next_offset)
        except ConnectionError:
            log.exception("the agent raised")
            await handler._producer.commit([], next_offset)
            return True

    patch.object(DedupHandler, "handle", acknowledged_anyway).start()


def _new_offset() -> None:
    handle = DedupHandler.handle

    async def first_half_commits_past_the_second(
        handler: DedupHandler, records: Sequence[ConsumerRecord], next_offset: int
    ) -> bool:
        half = len(records) // 2
        if half:
            await handle(handler, records[:half], next_offset)
            await _linger()
        return await handle(handler, records[half:], next_offset)

    patch.object(DedupHandler, "handle", first_half_commits_past_the_second).start()


def _late_end() -> None:
    async def send(producer: TransactionalProducer, outputs: Iterable[Output]) -> Any:
        events, marks = list[Output](), list[Output]()
        for output in outputs:
            (marks if _is_mark(output) else events).append(output)
        sent = await _send(producer, events)
        if events:
            await _settled(producer, sent)
            await _end_again(producer)
        return sent + await _send(producer, marks)

    def _is_mark(output: Output) -> bool:
        # Nothing is torn at a takeover, whose only outputs are touches.
        return output.topic.endswith(".dedup") or output.key == b"touch"

    patch.object(TransactionalProducer, "_send", send).start()


async def _end_again(producer: TransactionalProducer) -> None:
    """What the broker gets when the last EndTxn, given up as lost, arrives after all."""
    sender = producer._producer._sender
    manager = sender._txn_manager
    name = manager.transactional_id
    node = await sender._find_coordinator(CoordinationType.TRANSACTION, name)
    late = EndTxnRequest(name, manager.producer_id, manager.producer_epoch, True)  # noqa: FBT003 - commit
    await sender.client.send(node, late, group=ConnectionGroup.COORDINATION)


def _uncommitted_marks() -> None:
    reader = restore._reader

    def reads_all(client: dict[str, Any], isolation_level: str) -> Any:
        del isolation_level
        return reader(client, "read_uncommitted")

    patch.object(restore, "_reader", reads_all).start()


def _dead_letters_dropped() -> None:
    def without_poison(
        records: Iterable[ConsumerRecord],
        known: Container[bytes],
        topics: Topics,
        legacy_tenant: str,
    ) -> Decision:
        decision = dedup.decide(records, known, topics, legacy_tenant)
        decision.outputs = [o for o in decision.outputs if o.topic != topics.quarantine.name]
        return decision

    patch.object(dedup_stage, "decide", without_poison).start()


PATCHES: Mapping[str, Callable[[], None]] = {
    "auto-commit": _auto_commit,
    "no-dedup": _no_dedup,
    "dedup-outside-transaction": _dedup_outside_transaction,
    "finally-ack": _finally_ack,
    "new-offset": _new_offset,
    "late-end": _late_end,
    "uncommitted-marks": _uncommitted_marks,
    "dead-letters-dropped": _dead_letters_dropped,
}

_LINGER_THEMSELVES = {"dedup-outside-transaction", "new-offset"}
"""Between two transactions of what should have been one."""

if __name__ == "__main__":
    defect = os.environ[VARIABLE]
    if defect not in _LINGER_THEMSELVES:
        _linger_before_commits()
    PATCHES.get(defect, lambda: None)()
    __main__.main()
