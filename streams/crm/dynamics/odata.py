"""The OData that Dataverse is asked in. Pure.

A string literal stands in single quotes, a quote within it doubled; a GUID stands bare; and the
whole option is percent-encoded, or a `+` or `&` of an address would end it.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/filter-rows
"""

import re
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from urllib.parse import quote
from uuid import UUID

import orjson

ROOT = "/api/data/v9.2"
ODATA = MappingProxyType({"OData-MaxVersion": "4.0", "OData-Version": "4.0"})
"""Headers that every request should have.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
"""

_GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)


def guid(text: str) -> UUID | None:
    """Return the GUID a text is, in braces or not; None for anything else."""
    match = _GUID.fullmatch(text.strip())
    return UUID(match[1]) if match else None


def equal(column: str, value: str | UUID) -> str:
    """Return the condition that a column has this value; texts are compared without case."""
    if isinstance(value, UUID):
        return f"{column} eq {value}"
    quoted = value.replace("'", "''")
    return f"{column} eq '{quoted}'"


def either(conditions: Iterable[str]) -> str:
    """Return the condition that one of several holds; there is at least one."""
    return f"({' or '.join(conditions)})"


def query(entity_set: str, columns: Sequence[str], condition: str) -> str:
    """Return the path that asks for these columns of every record that meets the condition."""
    return f"{ROOT}/{entity_set}?$select={','.join(columns)}&$filter={quote(condition, safe='')}"


def rows(body: bytes) -> list[dict[str, object]]:
    """Return the records of an answer to a query.

    Raises:
        ValueError: the body is no such answer.
    """
    answer = orjson.loads(body)
    found = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("no OData collection")
    return found
