"""Whom and what a command's task is linked to, asked of Dataverse and remembered for a while."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from schemas.task import TaskCommand
from streams.crm.dynamics import directory
from streams.crm.dynamics.exchange import Exchange
from streams.crm.dynamics.mapping import Links, Target
from streams.crm.lookup import Lookup


class Register:
    """Users by address, contacts and leads by address, and records by their id."""

    def __init__(self, exchange: Exchange, seconds: float) -> None:
        self._exchange = exchange
        self._users = Lookup(self._find_users, directory.MOST, seconds)
        self._people = Lookup(self._find_people, directory.MOST, seconds)
        self._targets = Lookup(self._find_targets, directory.MOST, seconds)

    async def links(self, task: TaskCommand) -> Links:
        """Return what Dataverse knows of the command's owner, recipient and related record.

        Raises:
            Unavailable: Dataverse cannot be asked now.
        """
        return Links(await self.owner(task), await self._regarding(task))

    async def owner(self, task: TaskCommand, but: Collection[UUID | str] = ()) -> UUID | None:
        """Return the first choice whom Dataverse knows, but for these; raises as `links`."""
        for address in directory.owners(task):
            if (user := await self._users.get(address)) and user not in but:
                return user
        return None

    def refuse(self, task: TaskCommand, owners: Collection[UUID | str]) -> None:
        """Shortly take these for nobody: Dataverse gives them no task."""
        for address in directory.owners(task):
            self._users.refuse(address, owners)

    def forget(self, task: TaskCommand) -> None:
        """Ask again what this command is about: it was no good."""
        self._people.forget(directory.address(task.recipient) or "")
        if about := directory.related(task):
            self._targets.forget(about)

    async def close(self) -> None:
        """Give up what is being looked up."""
        for lookup in (self._users, self._people, self._targets):
            await lookup.close()

    async def _regarding(self, task: TaskCommand) -> Target | None:
        about = directory.related(task)
        if about and (there := await self._targets.get(about)):
            return there
        address = directory.address(task.recipient)
        return await self._people.get(address) if address else None

    async def _find_users(self, addresses: Sequence[str]) -> Mapping[str, UUID]:
        rows = await self._exchange.rows(directory.users_query(addresses))
        return directory.users_found(rows, addresses)

    async def _find_people(self, addresses: Sequence[str]) -> Mapping[str, Target]:
        found: dict[str, Target] = {}
        for table in directory.PEOPLE:
            if missing := [address for address in addresses if address not in found]:
                rows = await self._exchange.rows(directory.people_query(table, missing))
                found |= directory.people_found(table, rows, missing)
        return found

    async def _find_targets(self, targets: Sequence[Target]) -> Mapping[Target, Target]:
        found: dict[Target, Target] = {}
        for table, wanted in directory.by_table(targets).items():
            rows = await self._exchange.rows(directory.targets_query(table, wanted))
            found |= directory.targets_found(table, rows)
        return found
