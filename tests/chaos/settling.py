"""The streams with a takeover that settles: tests start this instead of `streams`.

A prototype of how the hole of the cleansing abort closes. Of a transaction that was committed, a
restarting broker may write some markers and drop the others; a takeover that aborts the rest loses
it. But whether the predecessor's last transaction was committed, the coordinator still knows before
the producer id is asked for. So the takeover asks first, and then ends an empty transaction over
everything in its reach in the same way. A live producer does so, too, whenever a broker may have
been restarted since its last transaction.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError, NodeNotReadyError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from schemas import topics
from streams import __main__, transaction
from streams.standing import Standing
from streams.transaction import STEP_SECONDS, Output, TransactionalProducer
from tests.chaos.weakened import FEW

UNDISTURBED_SECONDS = 1.0
"""No broker is killed and leads again within this time."""


_UNKNOWN_ID = 105


class _DescribeTransactionsResponse(Response):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transaction_states",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString("utf-8")),
                ("transaction_state", CompactString("utf-8")),
                ("transaction_timeout_ms", Int32),
                ("transaction_start_time_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(
                        ("topic", CompactString("utf-8")),
                        ("partitions", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeTransactionsRequest(RequestStruct):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeTransactionsResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("transactional_ids", CompactArray(CompactString("utf-8"))), ("tags", TaggedFields)
    )


class _DescribeTransactions(Request[_DescribeTransactionsRequest]):  # type: ignore[misc]
    API_KEY = 65

    def __init__(self, transactional_id: str) -> None:
        self._id = transactional_id

    def build(self, request_struct_class: Any) -> _DescribeTransactionsRequest:
        return request_struct_class([self._id], {})  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Before:
    """What the coordinator knew before the fence."""

    committed: bool
    producer_id: int
    epoch: int


async def before(client: dict[str, Any], transactional_id: str) -> Before:
    """Ask the coordinator how the predecessor's last transaction ended."""
    connection = AIOKafkaClient(**client)
    try:
        await connection.bootstrap()
        while True:
            try:
                return await _described(connection, transactional_id)
            except KafkaError as error:
                if not error.retriable:
                    raise
                await asyncio.sleep(0.02)
                await connection.force_metadata_update()
    finally:
        await connection.close()


async def _described(connection: AIOKafkaClient, transactional_id: str) -> Before:
    node = await connection.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
    group = ConnectionGroup.COORDINATION
    if not await connection.ready(node, group=group):
        raise NodeNotReadyError
    answer = await connection.send(node, _DescribeTransactions(transactional_id), group=group)
    [(error, _, state, _, _, producer_id, epoch, _, _)] = answer.transaction_states
    if error not in (0, _UNKNOWN_ID):
        raise for_code(error)
    return Before(state in ("PrepareCommit", "CompleteCommit"), producer_id, epoch)


async def start(
    self: TransactionalProducer, own: Sequence[str], shared: Sequence[str] = ()
) -> Standing:
    """Fence the predecessor, then end what it left undecided as it had ended it itself."""
    reachable = [*own, *shared]
    producer = self._producer
    manager = producer._txn_manager
    async with asyncio.timeout(STEP_SECONDS):
        found = await before(_client(producer), manager.transactional_id)
        await producer.start()
        await producer.client.set_topics(reachable)
        # Any other epoch: the predecessor did something between the question and the fence.
        next_one = (manager.producer_id, manager.producer_epoch) == (
            found.producer_id,
            found.epoch + 1,
        )
        self.last = set(reachable)  # type: ignore[attr-defined]
        await _begin(self, reachable)
        await _settle_begun(self, commit=found.committed and next_one)
        standing = await self._standing([])
    return replace(standing, ends=dict.fromkeys(own, 0))


async def commit(
    self: TransactionalProducer, outputs: Iterable[Output], next_offset: int, note: str = ""
) -> dict[str, int]:
    """Settle first where a broker may have been restarted since the last transaction began."""
    outputs = list(outputs)
    names = {output.topic for output in outputs}
    async with asyncio.timeout(STEP_SECONDS):
        await _begin(self, names)
        if time.monotonic() - self.began_at > UNDISTURBED_SECONDS:  # type: ignore[attr-defined]
            await _settle_begun(self, commit=self.committed)  # type: ignore[attr-defined]
            await _begin(self, names)
        self.began_at = time.monotonic()  # type: ignore[attr-defined]
        self.last = names  # type: ignore[attr-defined]
        sent = await self._send(outputs)
        await self._producer.send_offsets_to_transaction(
            {self._source: (next_offset, note)}, self._group
        )
        ends = await self._settled(sent)
        await self._producer.commit_transaction()
        self.committed = True  # type: ignore[attr-defined]
    return ends


async def _settle_begun(self: Any, *, commit: bool) -> None:
    """End a transaction that holds nothing over all that the last one may have left undecided."""
    self.began_at = time.monotonic()
    await _add(self, self.last)
    while not await self._producer._sender._do_add_offsets_to_txn(self._group):
        pass
    if commit:
        await self._producer.commit_transaction()
    else:
        await self._producer.abort_transaction()
    self.committed = commit


async def _begin(self: Any, names: Iterable[str]) -> None:
    await self._producer.begin_transaction()
    await _add(self, names)


async def _add(self: Any, names: Iterable[str]) -> None:
    manager = self._producer._txn_manager
    for name in names:
        manager.maybe_add_partition_to_txn(TopicPartition(name, self._source.partition))
    while manager.partitions_to_add():  # noqa: ASYNC110 - aiokafka tells nobody when it has
        await asyncio.sleep(0.001)


def _client(producer: Any) -> dict[str, Any]:
    return {"bootstrap_servers": producer.client._bootstrap_servers}


def settle() -> None:
    """Do it."""
    if timeout := os.environ.get("GEOPHONE_WEAKENED_TRANSACTION_MS"):
        transaction.TRANSACTION_TIMEOUT_MS = int(timeout)
        topics.CATALOGUE = FEW  # type: ignore[attr-defined]
    TransactionalProducer.start = start  # type: ignore[method-assign]
    TransactionalProducer.commit = commit  # type: ignore[method-assign]


if __name__ == "__main__":
    settle()
    __main__.main()
