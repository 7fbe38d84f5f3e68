"""Looks at whether an account is set up for the connector. Changes nothing."""

from collections.abc import Sequence

from streams.crm import Finding, Request, Unavailable
from streams.crm.hubspot import wire
from streams.crm.hubspot.errors import Judged
from streams.crm.hubspot.key_property import KeyProperty
from streams.crm.hubspot.options import Options

_NOBODY = "nobody@example.invalid"
_NOTHING = "0"
_URL = "check the CRM's URL"


async def findings(ask: wire.Ask, options: Options) -> Sequence[Finding]:
    """Return what was found, the token first: without one there is nothing else to see."""
    token = await _token(ask)
    if not token.ok:
        return [token]
    return [
        token,
        await _allowed(ask, "contacts can be read", wire.read_contacts([_NOBODY])),
        await _allowed(ask, "owners can be read", wire.read_owners()),
        *[
            await _allowed(ask, f"{kind} can be read", wire.read_records(kind, [_NOTHING]))
            for kind in sorted(options.related - {"contacts"})
        ],
        await _allowed(ask, "tasks can be created", wire.create([])),
        await _key_property(ask, options),
    ]


async def _token(ask: wire.Ask) -> Finding:
    subject = "access token"
    try:
        account = await ask(wire.read_account())
    except Unavailable as unavailable:
        return Finding(subject, ok=False, remedy=unavailable.reason)
    except Judged as judged:
        return Finding(subject, ok=False, remedy=f"{judged.verdict.reason}: {_URL}")
    named = "portalId" in account
    return Finding(subject, named, "" if named else f"the answer names no account: {_URL}")


async def _allowed(ask: wire.Ask, subject: str, request: Request) -> Finding:
    try:
        await ask(request)
    except Judged:
        pass  # it was looked at, so it was allowed: a creation of nothing, an id of nothing
    except Unavailable as unavailable:
        return Finding(subject, ok=False, remedy=unavailable.reason)
    return Finding(subject, ok=True)


async def _key_property(ask: wire.Ask, options: Options) -> Finding:
    subject = f"property {options.key_property} of tasks"
    key_property = KeyProperty(ask, options, seconds=1)
    try:
        await key_property.assure()
    except Unavailable as unavailable:
        return Finding(subject, ok=False, remedy=unavailable.reason)
    finally:
        await key_property.close()
    return Finding(subject, ok=True)
