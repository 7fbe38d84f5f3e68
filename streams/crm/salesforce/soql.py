"""The queries the connector asks, and what their answers say. Pure.

Quoting: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from streams.crm import Request

EMAIL_LIMIT = 80  # of the fields User.Email, Contact.Email, Lead.Email and User.Username
USERS_AT_ONCE = 20
PEOPLE_AT_ONCE = 40
KEYS_AT_ONCE = 90
"""Each makes a query of at most 4,000 characters, far from the 100,000 that SOQL takes."""

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def users(emails: Iterable[str]) -> str:
    """Return the query for active users by e-mail address or username."""
    among = _among(emails)
    return (
        "SELECT Id, Email, Username FROM User WHERE"  # noqa: S608 - quoted
        f" IsActive = true AND UserType = 'Standard' AND (Email IN {among} OR Username IN {among})"
        " ORDER BY CreatedDate"
    )


def people(kind: str, emails: Iterable[str]) -> str:
    """Return the query for contacts or leads by e-mail address; converted leads are contacts."""
    unconverted = " AND IsConverted = false" if kind == "Lead" else ""
    among = _among(emails)
    return (
        f"SELECT Id, Email FROM {kind} WHERE Email IN {among}{unconverted}"  # noqa: S608 - quoted
        " ORDER BY CreatedDate"
    )


def tasks(field: str, keys: Iterable[str]) -> str:
    """Return the query for tasks by the field that holds our key."""
    return f"SELECT Id, {field} FROM Task WHERE {field} IN {_among(keys)}"  # noqa: S608 - quoted


def some(kind: str, many: int) -> str:
    """Return the query for so many records of this kind: users among those who can own tasks."""
    owners = " WHERE IsActive = true AND UserType = 'Standard'" if kind == "User" else ""
    return f"SELECT Id FROM {kind}{owners} LIMIT {many}"  # noqa: S608 - constants


def batch(version: str, queries: Iterable[str]) -> Request:
    """Return the request that asks these queries, 25 at most, in one round trip.

    In the body they are in no proxy's log, and free of the 16,384 bytes that a URI may have:
    https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-batch.md
    https://help.salesforce.com/s/articleView?id=000386264&language=en_US&type=1
    """
    parts = [
        {"method": "GET", "url": f"v{version}/query/?q={quote(query, safe='')}"}
        for query in queries
    ]
    body = orjson.dumps({"haltOnError": False, "batchRequests": parts})
    return Request("POST", f"/services/data/v{version}/composite/batch", body)


def ids(records: Sequence[Mapping[str, Any]], *fields: str) -> dict[str, str]:
    """Return ids by the lower-cased values of these fields: an earlier field or record wins.

    Salesforce compares texts without regard to case:
    https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_comparisonoperators.htm
    """
    found: dict[str, str] = {}
    for field in fields:
        for record in records:
            if record.get(field):
                found.setdefault(str(record[field]).lower(), str(record["Id"]))
    return found


def _among(texts: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{text.translate(_ESCAPES)}'" for text in texts) + ")"
