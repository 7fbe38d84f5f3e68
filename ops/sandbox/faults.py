"""A script of faults: the first line that matches a POST and is not used up decides its fate."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.task import TaskCommand

_LONGEST_SECONDS = 600  # beyond every time-out worth testing


class BadScript(Exception):
    """The tester's script cannot be read; the message names every line and field at fault."""


class Match(BaseModel):
    """Which commands a fault is for: all that is given must be equal, without regard to case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str | None = None
    tenant: str | None = None
    recipient: str | None = None
    type: str | None = None

    def takes(self, command: TaskCommand) -> bool:
        """Say whether the fault is for this command."""
        facts: dict[str, tuple[str | None, ...]] = {
            "key": (str(command.key),),
            "tenant": (command.tenant_id,),
            "recipient": (command.recipient.email, command.recipient.id),
            "type": (command.event_type,),
        }
        wanted = self.model_dump(exclude_none=True)
        return all(_among(value, facts[name]) for name, value in wanted.items())


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid")

    match: Match = Match()
    times: Annotated[int, Field(ge=1)] | None = None  # None: until the script is taken away


class Status(_Fault):
    """Answer with this status and store nothing."""

    kind: Literal["status"]
    status: Annotated[int, Field(ge=300, le=599)]
    retry_after: Annotated[int, Field(ge=0)] | None = None
    title: str = "Scripted fault"


class Hang(_Fault):
    """Store nothing, say nothing for so long, then close the connection."""

    kind: Literal["hang"]
    seconds: Annotated[float, Field(gt=0, le=_LONGEST_SECONDS)]


class Slow(_Fault):
    """Wait, then do as usual."""

    kind: Literal["slow"]
    seconds: Annotated[float, Field(gt=0, le=_LONGEST_SECONDS)]


class DropAfterCommit(_Fault):
    """Store the task, then close the connection without an answer."""

    kind: Literal["drop_after_commit"]


class Refuse(_Fault):
    """Answer 422: this command will never be taken."""

    kind: Literal["refuse"]


Fault = Status | Hang | Slow | DropAfterCommit | Refuse
_SCRIPT = TypeAdapter(list[Annotated[Fault, Field(discriminator="kind")]])


class Faults:
    """The script now in force; `take` uses it up."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def load(self, wire: bytes) -> None:
        """Replace the script by a JSON list of faults.

        Raises:
            BadScript: not JSON, or an unknown kind, field or value; the old script stays.
        """
        try:
            self._script = _SCRIPT.validate_json(wire)
        except ValidationError as error:
            raise BadScript("; ".join(_complaint(one) for one in error.errors())) from error

    def clear(self) -> None:
        """Play no more faults."""
        self._script = []

    def to_json(self) -> list[dict[str, Any]]:
        """Return what is left of the script."""
        return [fault.model_dump(exclude_none=True) for fault in self._script]

    def take(self, command: TaskCommand) -> Fault | None:
        """Return the fault for this command, one use less of it, or None."""
        fault = next((one for one in self._script if one.match.takes(command)), None)
        if fault and fault.times is not None:
            fault.times -= 1
            self._script = [one for one in self._script if one.times != 0]
        return fault


def _among(value: str, facts: Iterable[str | None]) -> bool:
    return value.lower() in {fact.lower() for fact in facts if fact}


def _complaint(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "script"
    return f"{where}: {error['msg']}"
