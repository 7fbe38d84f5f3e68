"""Creates the tasks of one batch and tells, for each key, what came of it.

HubSpot refuses a second task with a value of a property that requires unique values, and that is
all our once stands on. It has an upsert by such a property as well, which would set owner, date
and status anew on a task that a person has passed on or closed; so it is not used.

An input that fails may have failed because its task exists. Which keys exist is then read by the
unique property, from the records themselves; search lags behind them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.hubspot import wire
from streams.crm.hubspot.errors import Judged, of_input
from streams.crm.hubspot.key_property import remedy

Inputs = Mapping[str, Mapping[str, Any]]
Outcomes = dict[str, Created | AlreadyThere | Refused | Unavailable]

_NO_WORD = "HubSpot said nothing of this task"
_INDEX_SECONDS = 60.0  # "a few moments", HubSpot says; a second task would stay for ever


class ByUniqueProperty:
    """The guard that holds: whatever happens, a key is created once."""

    most = wire.MOST

    def __init__(self, ask: wire.Ask, key_property: str) -> None:
        self._ask = ask
        self._property = key_property

    async def write(self, inputs: Inputs) -> Outcomes:
        """Create the tasks; `inputs` by key, at most `most`.

        Raises:
            Unavailable: it is not known of any of them what came of it.
        """
        try:
            members = await self._ask(wire.create(list(inputs.values())))
        except Judged as judged:
            return await self._apart(inputs, judged.verdict)
        created = wire.keyed(members, self._property)
        outcomes: Outcomes = {key: Created(created[key]) for key in inputs.keys() & created.keys()}
        if left := _without(inputs, outcomes):
            outcomes |= await self._explain(left, dict(wire.failures(members)))
        return outcomes

    async def existing(self, keys: Collection[str]) -> Mapping[str, AlreadyThere]:
        """Return the tasks that have these keys, those that a person has deleted among them."""
        found = await self._read(keys)
        if missing := [key for key in keys if key not in found]:
            found |= await self._read_archived(missing)
        return {key: AlreadyThere(found[key]) for key in keys if key in found}

    async def _explain(self, left: Inputs, errors: Mapping[str, Mapping[str, Any]]) -> Outcomes:
        outcomes: Outcomes = {**await self.existing(left)}
        for key in _without(left, outcomes):
            outcomes[key] = of_input(errors[key]) if key in errors else Unavailable(_NO_WORD)
        return outcomes

    async def _apart(self, inputs: Inputs, verdict: Refused | Unavailable) -> Outcomes:
        """HubSpot took none of them: find out which it was for, and create the others."""
        outcomes: Outcomes = {**await self.existing(inputs)}
        left = list(_without(inputs, outcomes).items())
        if len(inputs) == 1:
            return outcomes or dict.fromkeys(inputs, verdict)
        if outcomes:
            return outcomes | (await self.write(dict(left)) if left else {})
        middle = len(left) // 2
        return await self.write(dict(left[:middle])) | await self.write(dict(left[middle:]))

    async def _read(self, keys: Collection[str]) -> dict[str, str]:
        try:
            members = await self._ask(wire.read_tasks(keys, self._property))
        except Judged as judged:
            raise Unavailable(remedy(self._property, "unique")) from judged
        return wire.keyed(members, self._property)

    async def _read_archived(self, keys: Collection[str]) -> dict[str, str]:
        # Whether a deleted task keeps its value to itself is not documented, nor this read of it.
        try:
            members = await self._ask(wire.read_tasks(keys, self._property, archived=True))
        except Judged:
            return {}
        return wire.keyed(members, self._property)


class BySearch(ByUniqueProperty):
    """The weaker guard, for an account whose tasks cannot have a unique property.

    It searches before it creates. A task that was created in the last moments is not found: when
    an answer is lost the next try waits for the index, but a restart, or another process that has
    taken the partition over, does not, and makes a second task.
    """

    most = wire.KEYS_A_SEARCH

    async def write(self, inputs: Inputs) -> Outcomes:
        """See `ByUniqueProperty`."""
        outcomes: Outcomes = {**await self.existing(inputs)}
        if left := _without(inputs, outcomes):
            outcomes |= await self._create(left)
        return outcomes

    async def existing(self, keys: Collection[str]) -> Mapping[str, AlreadyThere]:
        """Return the tasks that have these keys and that the index knows."""
        try:
            members = await self._ask(wire.search_tasks(keys, self._property))
        except Judged as judged:
            raise Unavailable(judged.verdict.reason) from judged
        found = wire.keyed(members, self._property)
        return {key: AlreadyThere(found[key]) for key in keys if key in found}

    async def _create(self, inputs: Inputs) -> Outcomes:
        try:
            outcomes = await super().write(inputs)
        except Unavailable as lost:
            raise lost.at_least(_INDEX_SECONDS) from lost
        return {
            key: one.at_least(_INDEX_SECONDS) if isinstance(one, Unavailable) else one
            for key, one in outcomes.items()
        }


def _without(inputs: Inputs, outcomes: Outcomes) -> dict[str, Mapping[str, Any]]:
    return {key: one for key, one in inputs.items() if key not in outcomes}
