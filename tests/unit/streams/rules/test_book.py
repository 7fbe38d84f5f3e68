"""Of each member of a rule the most specific word counts."""

from itertools import combinations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.actions import ACTIONS
from streams.rules.book import RuleBook
from streams.rules.loader import parse
from streams.rules.model import EventName, Rule, RulesFile

PLACES = ["tenant and type", "tenant", "type", "all"]
"""The most specific one first."""


def book(places: dict[str, dict[str, Any]], due_business_days: int = 2) -> RuleBook:
    """Return the rules of a file that says so much at each place."""
    file = {
        "version": 1,
        "defaults": places.get("all", {}),
        "events": {"email-v3": places.get("type", {})},
        "tenants": {
            "a": {
                "defaults": places.get("tenant", {}),
                "events": {"email-v3": places.get("tenant and type", {})},
            }
        },
    }
    return RuleBook(RulesFile.model_validate(file), due_business_days)


def test_the_types_with_rules_are_those_with_actions() -> None:
    assert set(get_args(EventName)) == {name for name, actions in ACTIONS.items() if actions}


@pytest.mark.parametrize(("winner", "loser"), list(combinations(PLACES, 2)))
def test_the_more_specific_place_wins(winner: str, loser: str) -> None:
    rules = book({winner: {"priority": "high"}, loser: {"priority": "low"}})
    assert rules.rule("a", "email-v3").priority == "high"


@given(st.lists(st.sampled_from(PLACES), unique=True), st.sampled_from(PLACES))
def test_each_member_is_taken_from_the_most_specific_place_that_names_it(
    naming: list[str], other: str
) -> None:
    places: dict[str, dict[str, Any]] = {name: {"subject": name} for name in naming}
    places[other] = {**places.get(other, {}), "body": "b"}
    rule = book(places).rule("a", "email-v3")
    assert rule.subject == next((name for name in PLACES if name in naming), None)
    assert (rule.body, rule.priority) == ("b", "normal")


def test_a_null_is_a_word_too() -> None:
    rules = book({"all": {"body": "x", "fallback_owner": "a@x"}, "tenant": {"body": None}})
    assert rules.rule("a", "email-v3").body is None
    assert rules.rule("b", "email-v3").body == "x"
    assert rules.rule("a", "email-v3").fallback_owner == "a@x"


def test_a_rule_for_a_tenant_or_a_type_is_nobody_elses() -> None:
    rules = book({"tenant": {"priority": "high"}, "type": {"due_business_days": 5}})
    assert rules.rule("b", "email-v3").priority == "normal"
    assert rules.rule("a", "email-enriched-v3").priority == "high"
    assert rules.rule("a", "email-enriched-v3").due_business_days == 2


def test_without_a_file_emails_lead_to_tasks_and_views_do_not() -> None:
    rules = RuleBook(due_business_days=7)
    assert rules.rule("t", "email-v3") == Rule(due_business_days=7)
    on = [name for name in get_args(EventName) if rules.turned_on(name)]
    assert on == ["email-v3", "email-enriched-v3"]


def test_the_setting_is_the_default_of_the_default_rule() -> None:
    rules = book({"type": {"due_business_days": 0}}, due_business_days=9)
    assert rules.rule("t", "email-v3").due_business_days == 0
    assert rules.rule("t", "email-enriched-v3").due_business_days == 9


VIEW = "livesend-session-summary-v3"
ON, OFF = {"enabled": True}, {"enabled": False}


@pytest.mark.parametrize(
    ("everybody", "views", "tenant", "tenants_views", "expected"),
    [
        (ON, {}, {}, {}, False),
        ({}, {}, ON, {}, False),
        (OFF, {}, ON, {}, False),  # a pilot's emails
        ({}, ON, {}, {}, True),
        (OFF, ON, {}, {}, True),
        ({}, {}, {}, ON, True),
        ({}, {}, OFF, ON, True),
        ({}, ON, OFF, {}, False),
        ({}, ON, {}, OFF, False),
        ({}, OFF, ON, {}, False),
        ({}, ON, ON, {}, True),
    ],
)
def test_views_are_turned_on_by_their_own_rule_alone_and_off_by_any(
    everybody: dict[str, Any],
    views: dict[str, Any],
    tenant: dict[str, Any],
    tenants_views: dict[str, Any],
    expected: object,
) -> None:
    file = {
        "version": 1,
        "defaults": everybody,
        "events": {VIEW: views},
        "tenants": {"a": {"defaults": tenant, "events": {VIEW: tenants_views}}},
    }
    rules = RuleBook(RulesFile.model_validate(file))
    assert rules.rule("a", VIEW).enabled is expected
    assert rules.rule("a", "email-v3").enabled is ({**ON, **everybody, **tenant} == ON)


def test_a_word_about_views_counts_beside_one_that_does_not() -> None:
    file = {"version": 1, "defaults": {"enabled": True, "priority": "high"}}
    assert RuleBook(RulesFile.model_validate(file)).rule("t", VIEW).priority == "high"


def test_a_type_is_on_if_it_is_for_one_tenant() -> None:
    file = {"version": 1, "tenants": {"a": {"events": {VIEW: {"enabled": True}}}}}
    rules = RuleBook(RulesFile.model_validate(file))
    assert rules.turned_on(VIEW)
    assert (rules.rule("a", VIEW).enabled, rules.rule("b", VIEW).enabled) == (True, False)
    assert not rules.turned_on("livesend-session-summary-enriched-v3")


def test_the_owners_of_a_target_are_those_of_the_rules_for_what_it_serves() -> None:
    rules = RuleBook(
        parse(
            "version: 1\n"
            "defaults: {fallback_owner: Lead@x}\n"
            "events:\n"
            "  email-v3: {owner_by_sender: {sam@x: ann@x, pat@x: ann@x}}\n"
            "  livesend-session-summary-v3: {enabled: false, owner: viewer@x}\n"
            "tenants:\n"
            "  emea: {defaults: {owner: emea@x, fallback_owner: null}}\n"
            "  apac: {defaults: {owner: apac@x}}\n"
        )
    )
    assert rules.owners(lambda tenant: tenant != "emea") == ["ann@x", "apac@x", "lead@x"]
    assert rules.owners(lambda tenant: tenant == "emea", {"emea"}) == ["ann@x", "emea@x"]
    assert rules.owners(lambda tenant: tenant == "new", {"new"}) == ["ann@x", "lead@x"]
    assert RuleBook().owners(lambda _: True) == []
