"""Plays the cells of a matrix one after the other, whatever becomes of one of them."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from ops.child import ChildFailed
from ops.kafka.errors import LocalKafkaError
from ops.prove import ledger
from ops.prove.faults import FaultFailed, Site
from ops.prove.findings import Cell, Verdict
from ops.prove.process import HarnessFailed
from ops.prove.readers import journal
from ops.prove.round import Order
from ops.stack import StackFailed

Play = Callable[[Site, Order], Awaitable[Cell]]
OpenSite = Callable[[int], AbstractAsyncContextManager[Site]]
"""Starts the stack of this number, and stops it when the context is left."""

MAKES_VOID = (
    ChildFailed,
    FaultFailed,
    HarnessFailed,
    KafkaError,
    KafkaException,
    LocalKafkaError,
    OSError,  # a time-out, too
    StackFailed,
    journal.Truncated,
    ledger.Truncated,
    sqlite3.Error,  # the sandbox's file
)
"""What ends a run without a word about geophone."""

PLAYED_AGAIN = "played again, as it said nothing"


class Bench:
    """A stack for as many cells as go well: the next one after `clear` gets a new one.

    Leave the context, and none runs any more.
    """

    def __init__(self, open_site: OpenSite, say: Callable[[str], None]) -> None:
        self._open_site = open_site
        self._say = say
        self._number = 0
        self._site: Site | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.clear()

    async def site(self) -> Site:
        if self._site is None:
            site = await self._open.enter_async_context(self._open_site(self._number))
            self._number += 1
            self._site = site
        return self._site

    async def clear(self) -> None:
        """Stop the stack, if there is one; if it does not stop, that is no cell's fault."""
        self._site = None
        try:
            await self._open.aclose()
        except Exception as error:  # noqa: BLE001 - cells that were judged must not be lost
            self._say(f"a stack did not stop: {words(error)}")


async def played(orders: Iterable[Order], bench: Bench, play: Play) -> AsyncIterator[Cell]:
    """Yield the cell of each order; one that says nothing is played once more before it counts.

    A bug in the harness counts at once: played again it might pass, and what it stumbled over may
    have been a loss.
    """
    for order in orders:
        try:
            cell = await _twice(order, bench, play)
        except Exception as error:  # noqa: BLE001 - it must not cost all the other cells
            await bench.clear()
            cell = _void(order, f"a bug in the harness: {error!r}")
        yield cell


async def _twice(order: Order, bench: Bench, play: Play) -> Cell:
    cell = await _once(order, bench, play)
    if cell.verdict is not Verdict.VOID:
        return cell
    cell = await _once(_again(order), bench, play)
    return replace(cell, counts={**cell.counts, PLAYED_AGAIN: 1})


async def _once(order: Order, bench: Bench, play: Play) -> Cell:
    try:
        cell = await play(await bench.site(), order)
    except MAKES_VOID as error:
        cell = _void(order, words(error))
    if cell.verdict in {Verdict.FAILED, Verdict.VOID}:
        await bench.clear()  # what failed may have left a stack that is not well
    return cell


def _void(order: Order, reason: str) -> Cell:
    return Cell(order.profile.name, order.seed, Verdict.VOID, (reason,), (), {})


def words(error: Exception) -> str:
    """Return what an error says, or its name if it says nothing."""
    return str(error) or repr(error)


def _again(order: Order) -> Order:
    folder = order.folder.with_name(f"{order.folder.name}-again")
    return replace(order, name=f"{order.name}r", folder=folder)
