"""Requests to Dataverse and their answers: alone, or several in one call."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus

from streams.crm import Request, Unavailable
from streams.crm.answer import REASON_LIMIT, Answer, refuses
from streams.crm.call import Caller
from streams.crm.dynamics import batch
from streams.crm.dynamics.errors import refusal
from streams.crm.dynamics.odata import ODATA, rows


class Exchange:
    """What the connector and its look-ups send through."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def answers(self, requests: Sequence[Request]) -> list[Answer | Exception]:
        """Return an answer to each request; a batch that is refused as such is taken apart.

        Raises:
            Unavailable: see `streams.crm.call`.
        """
        if len(requests) == 1:
            return [await self._caller.send(requests[0])]
        answer = await self._caller.send(batch.write(requests))
        if HTTPStatus.OK < answer.status < HTTPStatus.MULTIPLE_CHOICES:
            # None of the creations' own: somebody between us and Dataverse has given it.
            raise Unavailable(f"HTTP {answer.status} to a batch: check the CRM's URL")
        if refuses(answer.status):
            return [await self._caller.send(request) for request in requests]
        if answer.status != HTTPStatus.OK:
            return [answer] * len(requests)
        return _parts(answer, len(requests))

    async def rows(self, path: str) -> list[dict[str, object]]:
        """Return the records that a query finds: none in a table that there is not.

        Leads and opportunities come with Dynamics 365 Sales alone.

        Raises:
            Unavailable: also where the query is refused, which says nothing of the command.
        """
        answer = await self._found(path)
        try:
            return rows(answer.body) if answer else []
        except ValueError as error:
            raise Unavailable("look-up: the answer is no list of records") from error

    async def has(self, path: str) -> bool:
        """Say whether there is a record at the path.

        Raises:
            Unavailable: Dataverse does not say.
        """
        return await self._found(path) is not None

    async def _found(self, path: str) -> Answer | None:
        answer = await self._caller.send(get(path))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status == HTTPStatus.OK:
            return answer
        trouble = refusal(answer, datetime.now(UTC))
        wish = trouble.retry_after if isinstance(trouble, Unavailable) else None
        raise Unavailable(f"look-up: {trouble.reason}"[:REASON_LIMIT], wish)


def get(path: str) -> Request:
    """Return the request that reads what is at the path."""
    return Request("GET", path, headers=ODATA)


def _parts(answer: Answer, count: int) -> list[Answer | Exception]:
    parts: list[Answer | Exception] = []
    with suppress(batch.Unreadable):
        parts += batch.read(answer)
    lost = Unavailable("the answer to the batch lacks this one's")
    return (parts + [lost] * count)[:count]
