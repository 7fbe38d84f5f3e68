"""The property of tasks that holds the key: without it, or if its values may repeat, nothing holds.

HubSpot would take a key into a property that does not require unique values, once and again; so it
is looked at before the first task, and now and then.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from streams.crm import Unavailable
from streams.crm.hubspot import wire
from streams.crm.hubspot.errors import Closed, Judged
from streams.crm.hubspot.options import Options
from streams.crm.lookup import Lookup

_NO_TASK = str(UUID(int=0))
_TEXT = "create a single-line text property with this name on tasks"
_GUARDS = {"search": "", "unique": " that requires unique values"}


def remedy(name: str, guard: str) -> str:
    """Return what mends a property that is not as the guard needs it."""
    return f"property {name}: {_TEXT}{_GUARDS[guard]}"


class KeyProperty:
    """Looks at the property and believes what it saw for so many `seconds`."""

    def __init__(self, ask: wire.Ask, options: Options, seconds: float) -> None:
        self._ask = ask
        self._name = options.key_property
        self._unique = options.guard == "unique"
        self._remedy = remedy(self._name, options.guard)
        self._known = Lookup[str, bool](self._find, 1, seconds)

    async def assure(self) -> None:
        """Return if the property is as it has to be.

        Raises:
            Unavailable: it is not, or HubSpot cannot be asked now.
        """
        await self._known.get(self._name)

    async def close(self) -> None:
        """Give up what is being asked."""
        await self._known.close()

    async def _find(self, _: Sequence[str]) -> Mapping[str, bool]:
        try:
            fits = await self._fits()
        except Judged:
            fits = False
        if not fits:
            raise Unavailable(self._remedy)
        return {self._name: True}

    async def _fits(self) -> bool:
        try:
            found = await self._ask(wire.read_property(self._name))
        except Closed as closed:
            if closed.status == HTTPStatus.FORBIDDEN:
                return await self._can_be_used()
            if closed.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        unique = found.get("hasUniqueValue") is True or not self._unique
        return unique and found.get("type") == "string"

    async def _can_be_used(self) -> bool:
        # The scope for reading properties of tasks cannot be granted in every account. Tasks can
        # be read by none but a property that requires unique values.
        if self._unique:
            await self._ask(wire.read_tasks([_NO_TASK], self._name))
        return True
