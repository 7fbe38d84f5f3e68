"""Vendor codes become dead letters or another try."""

import pytest

from streams.crm import Refused, Unavailable
from streams.crm.answer import REASON_LIMIT
from streams.crm.verdict import Trouble, again, judge, terminal

TABLE = {"BAD": terminal("a validation rule"), "BUSY": again("somebody else's turn")}


def test_a_listed_code_is_judged_by_the_table() -> None:
    refused = judge(Trouble(503, "BAD", ["Subject"]), TABLE)
    assert isinstance(refused, Refused)
    assert refused.reason == "HTTP 503: BAD: Subject: a validation rule"
    unavailable = judge(Trouble(400, "BUSY", retry_after=3.0), TABLE)
    assert isinstance(unavailable, Unavailable)
    assert unavailable.reason == "HTTP 400: BUSY: somebody else's turn"
    assert unavailable.retry_after == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(status, Refused) for status in (400, 413, 422)]
    + [(status, Unavailable) for status in (302, 401, 403, 404, 408, 429, 500, 503)],
)
def test_another_code_is_judged_by_its_status(status: int, kind: type[Exception]) -> None:
    assert isinstance(judge(Trouble(status, "NEW"), TABLE), kind)


def test_what_an_operator_has_to_mend_says_so() -> None:
    assert judge(Trouble(403), TABLE).reason == "HTTP 403: check the CRM's address and credential"


def test_only_names_get_into_a_reason() -> None:
    trouble = Trouble(400, "no pat@x.example", ["Subject", "pat@x.example", "a b", "x" * 65])
    assert judge(trouble, TABLE).reason == "HTTP 400: Subject"


def test_a_code_may_be_a_number() -> None:
    assert judge(Trouble(400, "0x80044331"), {}).reason == "HTTP 400: 0x80044331"


def test_a_reason_has_its_limit() -> None:
    fields = [f"Field_{at:040}" for at in range(9)]
    assert len(judge(Trouble(400, "BAD", fields), TABLE).reason) == REASON_LIMIT
