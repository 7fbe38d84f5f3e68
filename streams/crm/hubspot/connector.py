"""The connector: finds a task's place, then creates it together with others of the moment."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import structlog

from schemas.task import TaskCommand
from streams.crm import AlreadyThere, Created, Finding, Refused, Request
from streams.crm.batches import Batches
from streams.crm.call import Caller
from streams.crm.hubspot import checks, preview
from streams.crm.hubspot.directory import Directory
from streams.crm.hubspot.errors import MANNERS, carried_out
from streams.crm.hubspot.key_property import KeyProperty
from streams.crm.hubspot.mapping import Place, alternatives, batch_input
from streams.crm.hubspot.options import Options
from streams.crm.hubspot.write import BySearch, ByUniqueProperty
from streams.crm.limits import Limits
from streams.crm.secret import line
from streams.crm.tokens import Static

log = structlog.get_logger(__name__)

Outcome = Created | AlreadyThere
_URL = "https://api.hubapi.com"
_GUARDS = {"search": BySearch, "unique": ByUniqueProperty}


class Placed(NamedTuple):
    """A task and where in HubSpot it is to be."""

    task: TaskCommand
    place: Place


class HubSpot:
    """See `streams.crm.CRM`."""

    def __init__(self, url: str, options: Options, limits: Limits) -> None:
        tokens = Static(lambda: line(options.access_token))
        self._caller = Caller(url, limits, tokens, manners=MANNERS)
        self._options = options
        self._directory = Directory(self._ask, options, limits.cached)
        self._key_property = KeyProperty(self._ask, options, limits.cached)
        self._guard = _GUARDS[options.guard](self._ask, options.key_property)
        self._batches: Batches[Placed, Outcome] = Batches(
            self._write, self._guard.most, key=lambda one: one.task.key, at_once=limits.concurrency
        )

    async def create(self, task: TaskCommand) -> Outcome:
        """See `streams.crm.CRM`."""
        await self._key_property.assure()
        places = list(alternatives(await self._directory.place(task)))
        for place, lesser in pairwise(places):
            try:
                return await self._batches.add(Placed(task, place))
            except Refused as refused:
                self._directory.forget(task)
                dropped = sorted(place.links() - lesser.links())
                log.warning(
                    "crm_link_dropped", task=str(task.key), links=dropped, reason=refused.reason
                )
        return await self._batches.add(Placed(task, places[-1]))

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """See `streams.crm.CRM`."""
        return preview.requests(task, self._options)

    async def check(self) -> Sequence[Finding]:
        """See `streams.crm.CRM`."""
        return await checks.findings(self._ask, self._options)

    async def owners(self, addresses: Sequence[str]) -> Collection[str]:
        """See `streams.crm.CRM`."""
        return await self._directory.owners(addresses)

    async def close(self) -> None:
        """See `streams.crm.CRM`."""
        await self._batches.close()
        await self._key_property.close()
        await self._directory.close()
        await self._caller.close()

    async def _ask(self, request: Request) -> dict[str, Any]:
        return carried_out(await self._caller.send(request), datetime.now(UTC))

    async def _write(self, placed: Sequence[Placed]) -> list[Outcome | Exception]:
        inputs = {
            str(one.task.key): batch_input(one.task, one.place, self._options) for one in placed
        }
        outcomes = await self._guard.write(inputs)
        return [outcomes[key] for key in inputs]


def connect(url: str | None, options: Options, limits: Limits) -> HubSpot:
    """Return the connector to the account that the token belongs to; `url` None is HubSpot's own.

    Raises:
        BadAddress: see `streams.crm.call.base_url`.
    """
    return HubSpot(url or _URL, options, limits)
