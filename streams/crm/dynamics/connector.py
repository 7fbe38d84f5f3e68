"""Follow-up tasks in Dynamics 365 and any other app on Dataverse."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

import structlog

from schemas.task import TaskCommand
from streams.crm import (
    OWNER_ID,
    RECIPIENT_ID,
    AlreadyThere,
    Created,
    Finding,
    Request,
    Unavailable,
)
from streams.crm.answer import Answer
from streams.crm.batches import Batches
from streams.crm.call import Caller, base_url
from streams.crm.dynamics import batch, checks, directory, errors
from streams.crm.dynamics.exchange import Exchange, get
from streams.crm.dynamics.manners import MANNERS
from streams.crm.dynamics.mapping import DueTime, Links, Target, creation, path
from streams.crm.dynamics.options import Options
from streams.crm.dynamics.register import Register
from streams.crm.limits import Limits
from streams.crm.secret import reveal
from streams.crm.tokens import Grant, OAuth, client_credentials

log = structlog.get_logger(__name__)


class Dynamics:
    """The connector; see `streams.crm.CRM`."""

    def __init__(self, caller: Caller, due: DueTime, limits: Limits) -> None:
        self._caller = caller
        self._due = due
        self._exchange = Exchange(self._caller)
        self._register = Register(self._exchange, limits.cached)
        self._creations: Batches[Request, Answer] = Batches(
            self._exchange.answers, batch.MOST, key=attrgetter("path"), at_once=limits.concurrency
        )

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        """See `streams.crm.CRM`."""
        links = await self._register.links(task)
        refused = set[UUID | str]()
        while True:
            answer = await self._creations.add(creation(task, links, self._due))
            fewer = errors.without(answer, links)
            if fewer is None:
                outcome = await self._outcome(answer, task)
                # Now that the task is there, it was their fault and not the task's.
                self._register.refuse(task, refused)
                return outcome
            dropped = sorted(links.dropped(fewer))
            code = errors.code(answer)
            log.warning("crm_link_dropped", task=str(task.key), code=code, links=dropped)
            if links.owner and dropped == ["owner"]:
                refused.add(links.owner)
                fewer = replace(fewer, owner=await self._register.owner(task, but=refused))
            else:
                self._register.forget(task)
            links = fewer

    async def _outcome(self, answer: Answer, task: TaskCommand) -> Created | AlreadyThere:
        if errors.created(answer):
            return Created(str(task.key))
        if errors.may_be_there(answer) and await self._exchange.has(path(task)):
            return AlreadyThere(str(task.key))
        raise errors.refusal(answer, datetime.now(UTC))

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """See `streams.crm.CRM`."""
        asked = [directory.users_query([owner]) for owner in directory.owners(task)[:1]]
        links = Links(OWNER_ID if asked else None)
        if about := directory.related(task):
            asked.append(directory.targets_query(about.table, [about]))
            links = Links(links.owner, about)
        elif recipient := directory.address(task.recipient):
            asked.append(directory.people_query("contact", [recipient]))
            links = Links(links.owner, Target("contact", RECIPIENT_ID))
        return [*map(get, asked), creation(task, links, self._due)]

    async def check(self) -> Sequence[Finding]:
        """See `streams.crm.CRM`."""
        try:
            who = await self._caller.send(get(checks.WHO_AM_I))
            findings = [checks.signed_in(who, datetime.now(UTC))]
            if user := checks.user(who):
                asked = [checks.privilege_path(user, name) for name in checks.PRIVILEGES]
                answers = [await self._caller.send(get(one)) for one in asked]
                findings += checks.privileges(answers, datetime.now(UTC))
                some_user = await self._caller.send(get(checks.SOME_USER))
                findings += checks.owners(some_user, datetime.now(UTC))
        except Unavailable as unavailable:
            return [Finding(checks.SIGNED_IN, ok=False, remedy=unavailable.reason)]
        return findings

    async def close(self) -> None:
        """See `streams.crm.CRM`."""
        await self._creations.close()
        await self._register.close()
        await self._caller.close()


def connect(url: str | None, options: Options, limits: Limits) -> Dynamics:
    """Return the connector to the environment at `url`.

    Raises:
        ValueError: no URL, or one that cannot be used.
    """
    if not url:
        raise ValueError("Dynamics needs its environment's URL: https://NAME.crm.dynamics.com")
    grant = _grant(base_url(url), options)
    tokens = OAuth(options.token_url, grant, timeout=limits.timeout)
    return Dynamics(Caller(url, limits, tokens, manners=MANNERS), options.due, limits)


def _grant(url: str, options: Options) -> Callable[[], Grant]:
    scope = options.scope or f"{url}/.default"
    return lambda: client_credentials(options.client_id, reveal(options.client_secret), scope)
