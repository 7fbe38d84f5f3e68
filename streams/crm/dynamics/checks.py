"""What has to be so for tasks to be made in Dataverse, and how to mend what is not. Pure.

A task is an activity, and all activities share one set of privileges. Giving a task to somebody
takes Assign, Write and Read; linking it takes Append, Write and Read, and Append To on the other.
https://learn.microsoft.com/power-apps/developer/data-platform/security-access-rights
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from uuid import UUID

import orjson

from streams.crm import Finding
from streams.crm.answer import Answer
from streams.crm.dynamics.errors import refusal
from streams.crm.dynamics.odata import ROOT, guid

WHO_AM_I = f"{ROOT}/WhoAmI"
SOME_USER = (
    f"{ROOT}/systemusers?$select=systemuserid&$top=1"
    "&$filter=isdisabled%20eq%20false%20and%20internalemailaddress%20ne%20null"
)
SIGNED_IN = "the application signs in as a user of the environment"
OWNERS = "users with an e-mail address can be found"
_NO_USER = (
    "no user with an e-mail address can be seen: "
    "give its security role Read on User in the whole organization"
)
PRIVILEGES = MappingProxyType(
    {
        "prvCreateActivity": "Create on Activity",
        "prvReadActivity": "Read on Activity",
        "prvWriteActivity": "Write on Activity",
        "prvAppendActivity": "Append on Activity",
        "prvAssignActivity": "Assign on Activity",
        "prvReadUser": "Read on User",
        "prvReadContact": "Read on Contact",
        "prvAppendToContact": "Append To on Contact",
        "prvReadAccount": "Read on Account",
        "prvAppendToAccount": "Append To on Account",
        "prvReadLead": "Read on Lead",
        "prvAppendToLead": "Append To on Lead",
        "prvReadOpportunity": "Read on Opportunity",
        "prvAppendToOpportunity": "Append To on Opportunity",
    }
)


def privilege_path(user: UUID, privilege: str) -> str:
    """Return the path that asks whether the user has a privilege, by role or team.

    https://learn.microsoft.com/power-apps/developer/data-platform/security-access-coding
    """
    function = "Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName"
    return f"{ROOT}/systemusers({user})/{function}(PrivilegeName='{privilege}')"


def user(answer: Answer) -> UUID | None:
    """Return who we are by the answer to WhoAmI, if it says."""
    return guid(str(_members(answer).get("UserId", "")))


def signed_in(answer: Answer, now: datetime) -> Finding:
    """Return whether the answer to WhoAmI names a user."""
    if user(answer):
        return Finding(SIGNED_IN, ok=True)
    return Finding(SIGNED_IN, ok=False, remedy=_remedy(answer, now))


def privileges(answers: Sequence[Answer], now: datetime) -> Iterator[Finding]:
    """Yield what each privilege's answer says, in the order of `PRIVILEGES`.

    One that the environment does not know (400) belongs to a table that it does not have. One that
    is held for its own records, or its business unit's, is of no use for sellers'.
    """
    for right, answer in zip(PRIVILEGES.values(), answers, strict=True):
        subject = f"the application user has {right}"
        if answer.status == HTTPStatus.OK:
            held = _held(answer)
            remedy = f"give its security role {right} in the whole organization"
            yield Finding(subject, held, "" if held else remedy)
        elif answer.status != HTTPStatus.BAD_REQUEST:
            yield Finding(subject, ok=False, remedy=_remedy(answer, now))


def _held(answer: Answer) -> bool:
    """Say whether a role gives it at the depth of the whole organization.

    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/privilegedepth
    """
    roles = _members(answer).get("RolePrivileges")
    listed = roles if isinstance(roles, list) else []
    return any(isinstance(one, dict) and one.get("Depth") == "Global" for one in listed)


def owners(answer: Answer, now: datetime) -> Iterator[Finding]:
    """Yield whether there is a user to own a task, unless we may not read users at all."""
    if answer.status == HTTPStatus.OK:
        found = bool(_members(answer).get("value"))
        yield Finding(OWNERS, found, "" if found else _NO_USER)
    elif answer.status != HTTPStatus.FORBIDDEN:
        yield Finding(OWNERS, ok=False, remedy=_remedy(answer, now))


def _remedy(answer: Answer, now: datetime) -> str:
    return refusal(answer, now).reason


def _members(answer: Answer) -> dict[str, object]:
    try:
        members = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return members if isinstance(members, dict) else {}
