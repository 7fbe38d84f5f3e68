"""The connector: finds a task's place, then creates it together with others of the moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from schemas.task import TaskCommand
from streams.crm import AlreadyThere, Created, Finding, Refused, Request, Unavailable
from streams.crm.batches import Batches
from streams.crm.call import Caller
from streams.crm.hubspot import checks, preview
from streams.crm.hubspot.directory import Directory
from streams.crm.hubspot.errors import MANNERS, carried_out
from streams.crm.hubspot.key_property import KeyProperty
from streams.crm.hubspot.mapping import Place, batch_input, blames_owner, trace
from streams.crm.hubspot.options import Options
from streams.crm.hubspot.write import BySearch, ByUniqueProperty
from streams.crm.limits import Limits
from streams.crm.secret import line
from streams.crm.tokens import Static

log = structlog.get_logger(__name__)

Outcome = Created | AlreadyThere
_URL = "https://api.hubapi.com"
_GUARDS = {"search": BySearch, "unique": ByUniqueProperty}


class HubSpot:
    """See `streams.crm.CRM`."""

    def __init__(self, url: str, options: Options, limits: Limits) -> None:
        tokens = Static(lambda: line(options.access_token))
        self._caller = Caller(url, limits, tokens, manners=MANNERS)
        self._options = options
        self._directory = Directory(self._ask, options, limits.cached)
        self._key_property = KeyProperty(self._ask, options, limits.cached)
        self._guard = _GUARDS[options.guard](self._ask, options.key_property)
        self._batches: Batches[dict[str, Any], Outcome] = Batches(
            self._write, self._guard.most, key=trace, at_once=limits.concurrency
        )

    async def create(self, task: TaskCommand) -> Outcome:
        """See `streams.crm.CRM`.

        A contact or an owner may have gone since it was looked up, and a task that nobody owns is
        better than none.
        """
        await self._key_property.assure()
        place, refused = await self._directory.place(task), set[str]()
        while True:
            one = batch_input(task, place, self._options)
            try:
                outcome = await self._batches.add(one)
            except Refused as error:
                lesser = await self._lesser(task, place, error, refused)
                dropped = place.dropped(lesser)
                if not dropped:
                    raise
                log.warning(
                    "crm_link_dropped", task=str(task.key), links=dropped, reason=error.reason
                )
                place = lesser
            else:
                # Now that the task is there, it was their fault and not the task's.
                self._directory.refuse(task, refused)
                return outcome

    async def _lesser(
        self, task: TaskCommand, place: Place, error: Refused, refused: set[str]
    ) -> Place:
        """Return what to try instead: no records; if that is of no use, the next owner with them.

        An owner who is given up is added to `refused`.
        """
        if place.records and not blames_owner(error):
            self._directory.forget(task)
            return replace(place, records=())
        if place.owner is None:
            return place
        refused.add(place.owner)
        return await self._directory.place(task, but=refused)

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """See `streams.crm.CRM`."""
        return preview.requests(task, self._options)

    async def check(self) -> Sequence[Finding]:
        """See `streams.crm.CRM`."""
        return await checks.findings(self._ask, self._options)

    async def close(self) -> None:
        """See `streams.crm.CRM`."""
        await self._batches.close()
        await self._key_property.close()
        await self._directory.close()
        await self._caller.close()

    async def _ask(self, request: Request) -> dict[str, Any]:
        answer = await self._caller.send(request)
        members = carried_out(answer, datetime.now(UTC))
        if not answer.body.lstrip().startswith(b"{"):
            # Somebody between us and HubSpot: nothing was found, and nothing is known.
            raise Unavailable("the answer has not HubSpot's form: check the CRM's URL")
        return members

    async def _write(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome | Exception]:
        outcomes = await self._guard.write({trace(one): one for one in inputs})
        return [outcomes[trace(one)] for one in inputs]


def connect(url: str | None, options: Options, limits: Limits) -> HubSpot:
    """Return the connector to the account that the token belongs to; `url` None is HubSpot's own.

    Raises:
        BadAddress: see `streams.crm.call.base_url`.
    """
    return HubSpot(url or _URL, options, limits)
