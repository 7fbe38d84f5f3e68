"""Who gets a task, and about whom. Pure."""

from collections.abc import Iterable

from schemas.task import Person
from streams.rules.model import Rule, known_as


def welcome(address: str | None, rule: Rule) -> bool:
    """Return whether the rule wants tasks about a person of this address; without, at no domain."""
    domain = (address or "").strip().lower().rpartition("@")[2]
    if _within(domain, rule.exclude_domains):
        return False
    return not rule.include_domains or _within(domain, rule.include_domains)


def owner(sender: Person, rule: Rule) -> Person:
    """Return whose task it is: by the sender, else the rule's owner, who may be the sender."""
    for name in filter(None, (sender.email, sender.id)):
        if chosen := rule.owner_by_sender.get(known_as(name)):
            return Person(email=chosen)
    return sender if rule.owner == "sender" else Person(email=rule.owner)


def fallback_owner(rule: Rule) -> Person | None:
    """Return who gets the task when the CRM does not know its owner."""
    return Person(email=rule.fallback_owner) if rule.fallback_owner else None


def named(rule: Rule) -> list[str]:
    """Return the addresses of all owners whom the rule names."""
    names = [*rule.owner_by_sender.values(), rule.fallback_owner]
    return [name for name in [rule.owner, *names] if name and name != "sender"]


def _within(domain: str, domains: Iterable[str]) -> bool:
    return any(domain == each or domain.endswith(f".{each}") for each in domains)
