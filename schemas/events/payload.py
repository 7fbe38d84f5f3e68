"""How every payload is read: leniently, because what the sender sent has already been accepted.

Nothing a sender does makes a payload unreadable: keys match without case (the pages write both
`context` and `Context`), unknown keys are ignored, a value of the wrong type counts as absent, and
of a list only the broken entries are left out. Sources of these irregularities are
developer.seismic.com/seismicsoftware/docs, pages email-v3, readinessarchivaleventv1 and
legacy-webhooks-1; most other pages are marked "subject to change with limited or no warning".
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel, to_pascal

Time = str | int
"""A time as sent: ISO 8601 text with or without a zone, .NET's 0001-01-01, or epoch ms."""


class Payload(BaseModel):
    """An object in an event's data; a list is a tuple, empty if absent, all else may be None."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        coerce_numbers_to_str=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _match_without_case(cls, sent: Any) -> Any:
        return _documented_spelling(cls, sent) if isinstance(sent, Mapping) else sent

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_what_is_readable(
        cls, sent: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return read(sent)
        except ValidationError:
            default = cls.model_fields[str(info.field_name)].default
            return _readable_entries(sent, read) if default == () else default


class PascalPayload(Payload):
    """The same in PascalCase, as session summaries are documented."""

    model_config = ConfigDict(alias_generator=to_pascal)


def _documented_spelling(model: type[BaseModel], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Rename `sent`'s keys to the model's; an exact spelling wins over another case."""
    spellings = _spellings(model)
    renamed: dict[str, Any] = {}
    for key, value in sent.items():
        documented = spellings.get(key.lower())
        if documented and (documented == key or documented not in renamed):
            renamed[documented] = value
    return renamed


@cache
def _spellings(model: type[BaseModel]) -> Mapping[str, str]:
    spellings: dict[str, str] = {}
    for name, field in model.model_fields.items():
        documented = field.alias or name
        spellings |= {name.lower(): documented, documented.lower(): documented}
    return spellings


def _readable_entries(sent: Any, read: ValidatorFunctionWrapHandler) -> tuple[Any, ...]:
    """Read each entry alone; one object where a list is documented is a list of one."""
    entries = sent if isinstance(sent, list) else [sent] if isinstance(sent, Mapping) else []
    return tuple(entry for candidate in entries for entry in _one(candidate, read))


def _one(candidate: Any, read: ValidatorFunctionWrapHandler) -> tuple[Any, ...]:
    try:
        entry: tuple[Any, ...] = read([candidate])
    except ValidationError:
        return ()
    return entry
