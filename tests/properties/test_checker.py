"""The checker says nothing of a valid history, and finds each breach under its names alone."""

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ops.prove.checker import books, check, void_reasons
from ops.prove.checker.invariants import INVARIANT_OF
from ops.prove.history import History
from tests.breaches import BREACHES, NotApplicable
from tests.histories import histories, valid

# Not every history has what a breach breaks: poison that only went round the ingresses, say.
BROKEN = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@given(histories())
def test_a_valid_history_has_no_finding(history: History) -> None:
    assert check(history) == []


@given(histories())
def test_the_books_of_a_valid_history_balance(history: History) -> None:
    assert [identity for identity in books(history) if not identity.holds] == []


@given(histories())
def test_a_valid_history_is_not_void(history: History) -> None:
    assert void_reasons(history) == []


@pytest.mark.parametrize("breach", BREACHES)
@given(histories(), st.integers())
@BROKEN
def test_a_breach_is_found_under_its_names_alone(breach: str, history: History, seed: int) -> None:
    try:
        broken = BREACHES[breach].apply(history, Random(seed))  # noqa: S311 - to be reproduced
    except NotApplicable:
        assume(False)  # noqa: FBT003 - hypothesis's way to pass over an example
    assert {finding.name for finding in check(broken)} == BREACHES[breach].names


def test_each_name_has_a_breach() -> None:
    assert set().union(*(breach.names for breach in BREACHES.values())) == set(INVARIANT_OF)


def test_each_identity_can_fail() -> None:
    failing = set()
    for breach in BREACHES.values():
        for seed in range(5):
            try:
                broken = breach.apply(valid(seed), Random(seed))  # noqa: S311 - to be reproduced
            except NotApplicable:
                continue
            failing |= {each.sentence for each in books(broken) if not each.holds}
    sentences = {each.sentence for each in books(valid())}
    assert sentences == failing
