"""The task command: what `followup` decides and `crm` carries out.

Wire form: one JSON object, camelCase, `version` 1. New optional fields may be added within a
version; a reader ignores what it does not know. A change of meaning is a new version.
"""

import json
from datetime import date
from typing import Literal, Self
from uuid import UUID, uuid5

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

_KEYS = UUID("1d4b0f3e-6a5c-5b0e-9f0a-3c1c8f6d2a47")


class UnreadableTask(Exception):
    """The bytes are no task command of a version this program knows."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore"
    )


class Person(_Part):
    """A user or recipient as Seismic names it; an owner has neither if it names no sender."""

    id: str | None = None
    email: str | None = None


class Related(_Part):
    """The CRM record an enriched event names: `type` "Opportunity", `id` "00646000009eMGL"."""

    type: str | None = None
    id: str
    name: str | None = None


Kind = Literal["follow-up", "first-view"]


class TaskCommand(_Part):
    """Create one task, once; never change one that exists.

    `owner` is whose task it is to be; `fallback_owner` is asked when the CRM knows no such user.
    `subject` is at most 255 characters, `body` (the task's text) at most 32,000; a connector whose
    CRM holds less cuts further. `due` is a day, in no time zone.
    """

    version: Literal[1] = 1
    kind: Kind = "follow-up"
    key: UUID
    tenant_id: str
    event_id: str
    event_type: str
    interaction_id: str
    owner: Person
    fallback_owner: Person | None = None
    recipient: Person
    subject: str
    body: str | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    due: date
    related: Related | None = None

    def encode(self) -> bytes:
        """Return the wire form."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    @classmethod
    def decode(cls, wire: bytes) -> Self:
        """Read the wire form.

        Raises:
            UnreadableTask: not JSON, another version, or a field missing or of the wrong type.
        """
        try:
            return cls.model_validate(orjson.loads(wire))
        except orjson.JSONDecodeError as error:
            raise UnreadableTask(f"not JSON: {error}") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnreadableTask(f"{where}: {first['msg']}") from error


def task_key(tenant_id: str, interaction_id: str, recipient: str, kind: Kind = "follow-up") -> UUID:
    """Return the deterministic key of one recipient's task: the same send, the same key.

    `recipient` is the lower-cased e-mail address, or Seismic's recipient id where there is none.
    """
    # JSON keeps the parts apart whatever they contain, a NUL included. Follow-ups came first, and
    # their keys never change.
    parts = [tenant_id, interaction_id, recipient, *([] if kind == "follow-up" else [kind])]
    return uuid5(_KEYS, json.dumps(parts))
