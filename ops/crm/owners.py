"""Whether a CRM knows the owners whom the rules name."""

from collections.abc import Sequence

from streams.crm import Finding, Unavailable
from streams.crm.target import Target
from streams.rules.book import RuleBook

_REMEDY = (
    "no active user has this e-mail address: correct the rules file, or add the user; until then "
    "the task is the fallback owner's, and without one nobody's or the login's"
)


async def findings(target: Target, rules: RuleBook) -> Sequence[Finding]:
    """Return a finding for each owner; none for a CRM that cannot be asked."""
    addresses = rules.owners(target.serves, target.tenants)
    try:
        known = await target.crm.owners(addresses) if addresses else None
    except Unavailable as unavailable:
        return [Finding("owners that the rules name", ok=False, remedy=unavailable.reason)]
    if known is None:
        return []
    return [_finding(address, ok=address in known) for address in addresses]


def _finding(address: str, *, ok: bool) -> Finding:
    return Finding(f"owner {address}, whom the rules name", ok, "" if ok else _REMEDY)
