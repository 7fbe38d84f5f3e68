"""Whether the organisation is set up for the connector. Reads only."""

from collections.abc import Sequence
from datetime import UTC, datetime

from streams.crm import Finding, Refused, Request, Unavailable
from streams.crm.answer import Answer
from streams.crm.call import Caller
from streams.crm.salesforce import soql, task_object
from streams.crm.salesforce.answers import content, documented, found
from streams.crm.salesforce.options import Options
from streams.crm.salesforce.reserve import SHARE, nearly_used_up, usage
from streams.crm.salesforce.task_object import finding

_READ = {
    "User": "owners cannot be found: give the integration user View All Users",
    "Contact": "recipients cannot be linked: give Read on Contact, or take it out of link_to",
    "Lead": "recipients cannot be linked: give Read on Lead, or take it out of link_to",
}
_SEEN = {
    "User": _READ["User"],
    "Contact": "give the integration user sharing that lets it see contacts, or create one",
    "Lead": "give the integration user sharing that lets it see leads, or create one",
}
_ENOUGH = {"User": 2}  # everybody sees one, himself


async def check(caller: Caller, options: Options) -> Sequence[Finding]:
    """Return what was found; the first failure to reach Salesforce is the last finding."""
    path = f"/services/data/v{options.api_version}/sobjects/Task/describe"
    try:
        answer = await caller.send(Request("GET", path))
        task = content(answer, datetime.now(UTC))
        with documented():
            described = list(task_object.findings(task, options))
    except (Refused, Unavailable) as error:
        return [Finding("log-in, API and object Task", ok=False, remedy=_remedy(error.reason))]
    findings = [Finding("log-in, API and object Task", ok=True), *described, _limit(answer)]
    kinds = ("User", *options.link_to)
    return [*findings, *[await _readable(caller, options, kind) for kind in kinds]]


def _remedy(reason: str) -> str:
    return (
        f"{reason}: check URL and credentials, the connected app's permitted users, the API Enabled"
        " permission, Access Activities, and api_version"
    )


def _limit(answer: Answer) -> Finding:
    used = usage(answer)
    share = f": {used[0]} of {used[1]} used" if used else ""
    return finding(
        f"API requests of the day{share}",
        not nearly_used_up(answer),
        f"the last {SHARE:.0%} are left to others: buy more, or see which program uses them",
    )


async def _readable(caller: Caller, options: Options, kind: str) -> Finding:
    subject = f"{kind} can be read"
    enough = _ENOUGH.get(kind, 1)
    request = soql.batch(options.api_version, [soql.some(kind, enough)])
    try:
        answer = content(await caller.send(request), datetime.now(UTC))
        seen = len(found(answer, 1))
    except (Refused, Unavailable) as error:
        return Finding(subject, ok=False, remedy=f"{error.reason}: {_READ[kind]}")
    return finding(subject, seen >= enough, f"{seen} of {enough} seen: {_SEEN[kind]}")
