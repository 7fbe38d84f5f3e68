"""Who gets a task, and about whom there is one."""

import pytest

from schemas.task import Person
from streams.rules import people
from streams.rules.model import Rule

SELLER = Person(id="U-1", email="Seller@Example.com")


@pytest.mark.parametrize(
    ("address", "include", "exclude", "expected"),
    [
        ("a@acme.com", (), (), True),
        ("a@acme.com", ("acme.com",), (), True),
        ("a@ACME.com ", ("Acme.Com",), (), True),
        ("a@eu.acme.com", ("acme.com",), (), True),
        ("a@notacme.com", ("acme.com",), (), False),
        ("a@acme.com.evil", ("acme.com",), (), False),
        ("a@acme.com", (), ("acme.com",), False),
        ("a@eu.acme.com", ("acme.com",), ("eu.acme.com",), False),
        ("a@us.acme.com", ("acme.com",), ("eu.acme.com",), True),
        (None, (), ("acme.com",), True),
        (None, ("acme.com",), (), False),
    ],
)
def test_domains_are_in_or_out_with_all_below_them(
    address: str | None, include: tuple[str, ...], exclude: tuple[str, ...], expected: object
) -> None:
    rule = Rule(include_domains=include, exclude_domains=exclude)
    assert people.welcome(address, rule) is expected


def test_the_sender_owns_the_task() -> None:
    assert people.owner(SELLER, Rule()) == SELLER


def test_a_fixed_owner_owns_all_tasks() -> None:
    assert people.owner(SELLER, Rule(owner="desk@example.com")) == Person(email="desk@example.com")


@pytest.mark.parametrize(
    "known_as", ["seller@example.com", "SELLER@example.com", " seller@example.com ", "u-1"]
)
def test_a_sender_may_have_another_owner(known_as: str) -> None:
    rule = Rule(owner="desk@example.com", owner_by_sender={known_as: "anna@example.com"})
    assert people.owner(SELLER, rule) == Person(email="anna@example.com")
    assert people.owner(Person(id="U-2"), rule) == Person(email="desk@example.com")


def test_the_fallback_is_for_the_crm_to_ask() -> None:
    assert people.fallback_owner(Rule()) is None
    rule = Rule(fallback_owner="desk@example.com")
    assert people.fallback_owner(rule) == Person(email="desk@example.com")
