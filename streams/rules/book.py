"""Which rule is an event's. Pure: the file has been read.

Of each member of a rule the most specific word counts:

1. `tenants.<tenantId>.events.<type>`
2. `tenants.<tenantId>.defaults`
3. `events.<type>`
4. `defaults`
5. geophone's own: the defaults of `model.Rule`, with views of a LiveSend switched off

An `enabled: true` in `defaults` is no word about views: who turns a customer's emails on again has
not asked for tasks of what people read. `false` counts wherever it is said.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from schemas import catalogue
from streams.rules import people
from streams.rules.model import (
    DEFAULT_BUSINESS_DAYS,
    EventName,
    Rule,
    RulesFile,
    Scope,
    known_as,
)

_NOBODY = Scope()
_OFF = frozenset({catalogue.SESSION_SUMMARY.name, catalogue.SESSION_SUMMARY_ENRICHED.name})
"""A view says something about a person's doings; whoever wants tasks of it says so."""


class RuleBook:
    """Every rule worked out in advance: what is left per event is one look-up."""

    def __init__(
        self, file: RulesFile | None = None, due_business_days: int = DEFAULT_BUSINESS_DAYS
    ) -> None:
        """`due_business_days` is the default of the default rule."""
        said = file or RulesFile(version=1)
        own = {"due_business_days": due_business_days}
        self._everybody = _worked_out(own, said, _NOBODY)
        self._tenants = {
            tenant: _worked_out(own, said, scope) for tenant, scope in said.tenants.items()
        }

    def rule(self, tenant_id: str, event_type: str) -> Rule:
        """Return the rule of a tenant's event of this type, in its documented spelling.

        Raises:
            KeyError: no task can follow from this type.
        """
        return self._tenants.get(tenant_id, self._everybody)[event_type]

    def knows(self, tenant_id: str) -> bool:
        """Return whether something is said for this tenant, or nothing for any."""
        return tenant_id in self._tenants or not self._tenants

    def owners(
        self, serves: Callable[[str], bool], tenants: Collection[str] = frozenset()
    ) -> list[str]:
        """Return the addresses of the owners that rules which are on name, each once.

        Of the rules for these tenants; without any, for everybody and for those it `serves`.
        """
        tables = [self._tenants.get(tenant, self._everybody) for tenant in tenants]
        if not tenants:
            tables = [table for tenant, table in self._tenants.items() if serves(tenant)]
            tables.append(self._everybody)
        rules = [rule for table in tables for rule in table.values() if rule.enabled]
        return sorted({known_as(name) for rule in rules for name in people.named(rule)})

    def turned_on(self, event_type: str) -> bool:
        """Return whether tasks follow from this type for any tenant, known or not."""
        tables = [self._everybody, *self._tenants.values()]
        return any(table[event_type].enabled for table in tables)


def _worked_out(own: Mapping[str, Any], said: Scope, tenant: Scope) -> dict[str, Rule]:
    rules = {}
    for name in get_args(EventName):
        members = {"enabled": name not in _OFF, **own}
        for scope in (said, tenant):
            members |= _in_general(scope.defaults, name)
            members |= _said(scope.events[name]) if name in scope.events else {}
        rules[name] = Rule.model_construct(**members)
    return rules


def _in_general(rule: Rule, event_type: str) -> dict[str, Any]:
    """What is said for every type, as far as it counts for this one."""
    said = _said(rule)
    if event_type in _OFF and rule.enabled:
        said.pop("enabled", None)
    return said


def _said(rule: Rule) -> dict[str, Any]:
    """The members that the file names; an explicit null is a word, too."""
    return {name: getattr(rule, name) for name in rule.model_fields_set}
