"""The Salesforce connector: look up whose task it is, then create it, many at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from schemas.task import Person, TaskCommand
from streams.crm import OWNER_ID, RECIPIENT_ID, AlreadyThere, Created, Finding, Request, Unavailable
from streams.crm.batches import Batches
from streams.crm.call import Caller
from streams.crm.limits import Limits
from streams.crm.lookup import Lookup
from streams.crm.salesforce import soql
from streams.crm.salesforce.answers import MANNERS, content, found, look_up, verdict
from streams.crm.salesforce.check import check
from streams.crm.salesforce.items import Duplicate, LinkRefused, TooLong, created
from streams.crm.salesforce.options import Options
from streams.crm.salesforce.record import Item, Links, record, related_id
from streams.crm.salesforce.reserve import Reserve
from streams.crm.secret import reveal
from streams.crm.tokens import Grant, OAuth, client_credentials, jwt_bearer

RECORDS_AT_ONCE = 200
"""https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html"""

_COMMIT_SECONDS = 60.0  # how much later a creation may be done whose answer did not come in time

log = structlog.get_logger(__name__)


def connect(url: str | None, options: Options, limits: Limits) -> "Salesforce":
    """Return the connector to the organisation whose My Domain URL this is.

    Raises:
        ValueError: no URL, or one that cannot be used.
    """
    if not url:
        raise ValueError("Salesforce needs its My Domain URL: https://NAME.my.salesforce.com")
    # Token endpoint: https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_endpoints.htm
    token_url = url.rstrip("/") + "/services/oauth2/token"
    tokens = OAuth(token_url, lambda: _grant(options), limits.timeout)
    return Salesforce(Caller(url, limits, tokens, manners=MANNERS), options, limits)


def _grant(options: Options) -> Grant:
    """Return the form for a token, the secrets read anew.

    https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm
    https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
    """
    if options.client_secret is not None:
        return client_credentials(options.client_id, reveal(options.client_secret))
    assert options.private_key is not None  # noqa: S101 - Options has seen to it
    key, username = reveal(options.private_key), options.username or ""
    return jwt_bearer(options.client_id, key, username, options.audience)


class Salesforce:
    """The connector; see `streams.crm.CRM`."""

    def __init__(self, caller: Caller, options: Options, limits: Limits) -> None:
        self._caller = caller
        self._options = options
        self._reserve = Reserve()
        most = soql.KEYS_AT_ONCE if options.query_first else RECORDS_AT_ONCE
        self._creations: Batches[Item, Created | AlreadyThere] = Batches(
            self._create_all, most, key=_key, at_once=limits.concurrency
        )
        self._users = Lookup(self._find_users, soql.USERS_AT_ONCE, limits.cached)
        self._people = Lookup(self._find_people, soql.PEOPLE_AT_ONCE, limits.cached)

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        """See `streams.crm.CRM`. What the task refers to may be unknown or refused; it is left out.

        A record can be merged, deleted or hidden at any time: a task without it is worth more than
        none.
        """
        self._reserve.admit()
        with look_up():
            item = first = await self._item(task)
        while True:
            try:
                outcome = await self._creations.add(item)
            except Duplicate as duplicate:
                return await self._found(item, duplicate)
            except LinkRefused as refused:
                item = self._without_links(item, refused)
            except TooLong as long:
                item = _halved(item, long)
            else:
                self._refuse_owners(first, item)
                return outcome

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """See `streams.crm.CRM`."""
        owners, recipient = _addresses(task.owner, task.fallback_owner), _addresses(task.recipient)
        sought = bool(recipient and self._options.link_to)
        links = Links(
            OWNER_ID if owners else None, RECIPIENT_ID if sought else None, related_id(task)
        )
        requests = [self._for_users(owners)] if owners else []
        requests += [self._for_people(recipient)] if sought else []
        requests += [self._for_tasks([str(task.key)])] if self._options.query_first else []
        return [*requests, self._for_creation([Item(task, links)])]

    async def check(self) -> Sequence[Finding]:
        """See `streams.crm.CRM`."""
        return await check(self._caller, self._options)

    async def close(self) -> None:
        """See `streams.crm.CRM`."""
        for part_of_it in (self._creations, self._users, self._people, self._caller):
            await part_of_it.close()

    async def _item(self, task: TaskCommand) -> Item:
        owners = await self._known(self._users, _addresses(task.owner, task.fallback_owner))
        people = await self._known(self._people, _addresses(task.recipient))
        owner, who = next(iter(owners), None), next(iter(people), None)
        return Item(task, Links(owner, who, related_id(task)), tuple(owners[1:]))

    async def _known(self, lookup: Lookup[str, str], keys: Sequence[str]) -> list[str]:
        # All at once, so that they are one request.
        found = await asyncio.gather(*map(lookup.get, keys))
        return list(dict.fromkeys(filter(None, found)))

    def _without_links(self, item: Item, refused: LinkRefused) -> Item:
        if not item.links.fields():
            raise verdict(refused.trouble) from None
        fewer = item.without(refused.trouble.fields)
        before, after = item.links.fields(), fewer.links.fields()
        dropped = sorted(name for name in before if before[name] != after.get(name))
        if "WhoId" in dropped:
            for address in _addresses(item.task.recipient):
                self._people.forget(address)
        code = refused.trouble.code
        log.warning("crm_link_dropped", task=str(item.task.key), code=code, links=dropped)
        return fewer

    def _refuse_owners(self, first: Item, last: Item) -> None:
        """Remember who was refused, once the task is there: else it may be the task's fault."""
        left = {last.links.owner, *last.owners}
        refused = [one for one in (first.links.owner, *first.owners) if one and one not in left]
        for address in _addresses(first.task.owner, first.task.fallback_owner):
            self._users.refuse(address, refused)

    async def _create_all(
        self, items: Sequence[Item]
    ) -> Sequence[Created | AlreadyThere | Exception]:
        there = await self._already_there(items) if self._options.query_first else {}
        new = [item for item in items if str(item.task.key) not in there]
        outcomes = iter(await self._create_new(new) if new else [])
        return [
            AlreadyThere(there[str(item.task.key)])
            if str(item.task.key) in there
            else next(outcomes)
            for item in items
        ]

    async def _create_new(
        self, items: Sequence[Item]
    ) -> Sequence[Created | AlreadyThere | Exception]:
        try:
            answer = await self._ask(self._for_creation(items))
            return created(answer, len(items), self._options.key_field, self._options.fields)
        except Unavailable as lost:
            if not self._options.query_first:
                raise
            # Nothing but the next query keeps a second task away, and it sees what is committed.
            raise lost.at_least(_COMMIT_SECONDS) from lost

    async def _found(self, item: Item, duplicate: Duplicate) -> AlreadyThere:
        there = await self._already_there([item])
        if str(item.task.key) not in there:
            raise verdict(duplicate.trouble) from None
        return AlreadyThere(there[str(item.task.key)])

    async def _already_there(self, items: Sequence[Item]) -> Mapping[str, str]:
        keys = [str(item.task.key) for item in items]
        with look_up():
            tasks = await self._query(self._for_tasks(keys))
        return soql.ids(tasks, self._options.key_field)

    async def _find_users(self, addresses: Sequence[str]) -> Mapping[str, str]:
        return soql.ids(await self._query(self._for_users(addresses)), "Username", "Email")

    async def _find_people(self, addresses: Sequence[str]) -> Mapping[str, str]:
        kinds = len(self._options.link_to)
        return soql.ids(await self._query(self._for_people(addresses), kinds), "Email")

    async def _query(self, request: Request, queries: int = 1) -> Sequence[Mapping[str, Any]]:
        return found(await self._ask(request), queries)

    async def _ask(self, request: Request) -> Any:
        answer = await self._caller.send(request)
        self._reserve.heed(answer)
        return content(answer, datetime.now(UTC))

    def _for_users(self, addresses: Sequence[str]) -> Request:
        return soql.batch(self._options.api_version, [soql.users(addresses)])

    def _for_people(self, addresses: Sequence[str]) -> Request:
        queries = [soql.people(kind, addresses) for kind in self._options.link_to]
        return soql.batch(self._options.api_version, queries)

    def _for_tasks(self, keys: Sequence[str]) -> Request:
        return soql.batch(self._options.api_version, [soql.tasks(self._options.key_field, keys)])

    def _for_creation(self, items: Sequence[Item]) -> Request:
        records = [record(item, self._options) for item in items]
        body = orjson.dumps({"allOrNone": False, "records": records})
        return Request(
            "POST", f"/services/data/v{self._options.api_version}/composite/sobjects", body
        )


def _halved(item: Item, long: TooLong) -> Item:
    if item.halved:
        raise verdict(long.trouble) from None
    log.warning("crm_text_cut", task=str(item.task.key), fields=list(long.trouble.fields))
    return replace(item, halved=True)


def _key(item: Item) -> str:
    return str(item.task.key)


def _addresses(*people: Person | None) -> list[str]:
    """Return the addresses that Salesforce can hold, lower-cased and trimmed, each once."""
    known = [(person.email or "").strip().lower() for person in people if person]
    return [one for one in dict.fromkeys(known) if 0 < len(one) <= soql.EMAIL_LIMIT]
