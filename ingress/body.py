"""A request's body, read from ASGI and counted as it streams: never more than a limit is kept."""

import asyncio
import contextlib

from starlette.types import Receive

from ingress import answers
from ingress.answers import Rejected
from ingress.budget import Budget

LINGER_SECONDS = 1.0
"""How long the rest of a refused body is read to nowhere: closing at once would reset the
connection, and the caller would see that instead of its answer."""


class HungUp(Exception):
    """The caller went away before its body was complete."""


class Body:
    """One body, to be read once."""

    __slots__ = ("_more", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    @property
    def incomplete(self) -> bool:
        """Whether the caller may still be sending it."""
        return self._more

    async def read(self, announced: int, limit: int, budget: Budget) -> bytes:
        """Return all of it, however it was cut into pieces.

        A body in several pieces counts against `budget` while it is being collected: with its
        announced length in bytes, or with `limit` if it announced none (0).

        Raises:
            Rejected: it is longer than `limit` bytes; what is left of it was not read.
            HungUp: it will never be complete.
            Unavailable: too many large bodies are being collected.
        """
        first = await self._piece()
        if len(first) > limit:
            raise Rejected(answers.TOO_LARGE)
        if not self._more:
            return first
        return await self._collect(first, announced or limit, limit, budget)

    async def linger(self) -> None:
        """Read what is left to nowhere, for a while."""
        with contextlib.suppress(TimeoutError, HungUp):
            async with asyncio.timeout(LINGER_SECONDS):
                while self._more:
                    await self._piece()

    async def _collect(self, first: bytes, room: int, limit: int, budget: Budget) -> bytes:
        budget.take(room)
        try:
            collected = bytearray(first)
            while self._more:
                collected += await self._piece()
                if len(collected) > limit:
                    raise Rejected(answers.TOO_LARGE)
            return bytes(collected)
        finally:
            budget.give_back(room)

    async def _piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        self._more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece
