import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from streams.crm.answer import Answer
from streams.crm.dynamics.checks import (
    PRIVILEGES,
    owners,
    privilege_path,
    privileges,
    signed_in,
    user,
)

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SAMPLES = Path("tests/data/crm/dynamics")
HELD = orjson.dumps(json.loads((SAMPLES / "privilege-held.json").read_text())["body"])
NO_PRIVILEGE = orjson.dumps(json.loads((SAMPLES / "no-privilege.json").read_text())["body"])

GIVE = "give its security role Create on Activity in the whole organization"


def of_the_first(answer: Answer) -> list[tuple[bool, str]]:
    held = Answer(200, {}, HELD)
    found = privileges([answer, *[held] * (len(PRIVILEGES) - 1)], NOW)
    return [(one.ok, one.remedy) for one in found if "Create on Activity" in one.subject]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (Answer(200, {}, HELD), [(True, "")]),
        (Answer(200, {}, b'{"RolePrivileges":[]}'), [(False, GIVE)]),
        (Answer(200, {}, b'{"RolePrivileges":[{"Depth":"Basic"}]}'), [(False, GIVE)]),
        (
            Answer(200, {}, b'{"RolePrivileges":[{"Depth":"Deep"},{"Depth":"Local"}]}'),
            [(False, GIVE)],
        ),
        (
            Answer(200, {}, b'{"RolePrivileges":[{"Depth":"Basic"},{"Depth":"Global"}]}'),
            [(True, "")],
        ),
        (Answer(200, {}, b'{"RolePrivileges":[null]}'), [(False, GIVE)]),
        (Answer(200, {}, b'{"RolePrivileges":7}'), [(False, GIVE)]),
        (Answer(200, {}, b"<html>"), [(False, GIVE)]),
        (Answer(400, {}, b""), []),
        (Answer(502, {}, b""), [(False, "HTTP 502")]),
    ],
)
def test_a_privilege_is_held_or_not_or_unknown(
    answer: Answer, finding: list[tuple[bool, str]]
) -> None:
    assert of_the_first(answer) == finding


def test_a_refusal_to_say_names_what_is_missing() -> None:
    ((ok, remedy),) = of_the_first(Answer(403, {}, NO_PRIVILEGE))
    assert not ok
    assert remedy.startswith("HTTP 403: 0x80040220: prvCreateActivity: give the application user")


def test_who_we_are_is_in_the_answer_or_not() -> None:
    me = UUID(int=1)
    known = Answer(200, {}, orjson.dumps({"UserId": str(me)}))
    assert user(known) == me
    assert signed_in(known, NOW).ok
    stranger = signed_in(Answer(401, {}, b""), NOW)
    assert (stranger.ok, stranger.remedy[:8]) == (False, "HTTP 401")


def test_a_privilege_is_asked_for_as_documented() -> None:
    assert privilege_path(UUID(int=1), "prvReadAuditSummary") == (
        "/api/data/v9.2/systemusers(00000000-0000-0000-0000-000000000001)"
        "/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName"
        "(PrivilegeName='prvReadAuditSummary')"
    )


@pytest.mark.parametrize(
    ("status", "body", "oks"),
    [
        (200, b'{"value":[{"systemuserid":"1"}]}', [True]),
        (200, b'{"value":[]}', [False]),
        (403, b"", []),
        (500, b"", [False]),
    ],
)
def test_somebody_has_to_be_there_to_own_tasks(status: int, body: bytes, oks: list[bool]) -> None:
    assert [finding.ok for finding in owners(Answer(status, {}, body), NOW)] == oks
