import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from schemas.task import Person, Related, TaskCommand
from streams.crm.dynamics.directory import (
    ADDRESS_LIMIT,
    MOST,
    address,
    owners,
    people_found,
    related,
    users_found,
    users_query,
)
from streams.crm.dynamics.mapping import Target
from streams.crm.dynamics.odata import rows

ID = "{8B390C24-9C72-E511-80D4-00155D2A68D1}"
KEY = UUID("8b390c24-9c72-e511-80d4-00155d2a68d1")
_URL_LIMIT = 8 * 1024


def user(key: UUID, mail: str | None, domain: str) -> dict[str, object]:
    return {"systemuserid": str(key), "internalemailaddress": mail, "domainname": domain}


def test_of_several_contacts_with_an_address_the_oldest_is_meant() -> None:
    sample: Any = json.loads(Path("tests/data/crm/dynamics/query.json").read_text())
    found = people_found(
        "contact", rows(json.dumps(sample["body"]).encode()), ["pat@customer.example"]
    )
    assert found == {"pat@customer.example": Target("contact", KEY)}


def test_an_address_counts_before_a_sign_in_name() -> None:
    first, second = UUID(int=1), UUID(int=2)
    answer = [user(first, None, "Sam@vendor.example"), user(second, "SAM@vendor.example", "x")]
    assert users_found(answer, ["sam@vendor.example"]) == {"sam@vendor.example": second}
    assert users_found(answer[:1], ["sam@vendor.example"]) == {"sam@vendor.example": first}


def test_nobody_is_found_who_was_not_asked_for() -> None:
    assert users_found([user(KEY, "eve@vendor.example", "eve")], ["sam@vendor.example"]) == {}


@pytest.mark.parametrize(
    ("record", "target"),
    [
        (Related(type="Opportunity", id=ID), Target("opportunity", KEY)),
        (Related(type="account", id=str(KEY)), Target("account", KEY)),
        (Related(type="Opportunity", id="00646000009eMGL"), None),
        (Related(type="Invoice", id=ID), None),
        (Related(id=ID), None),
        (None, None),
    ],
)
def test_a_task_is_about_what_dataverse_can_have(
    task: TaskCommand, record: Related | None, target: Target | None
) -> None:
    assert related(task.model_copy(update={"related": record})) == target


def test_the_second_choice_of_owner_comes_second(task: TaskCommand) -> None:
    fallback = task.model_copy(update={"fallback_owner": Person(email="Lead@vendor.example")})
    assert owners(fallback) == ["sam@vendor.example", "lead@vendor.example"]
    assert owners(task.model_copy(update={"owner": Person(id="7")})) == []


def test_the_longest_query_fits_into_a_url() -> None:
    addresses = [f"{'+' * (ADDRESS_LIMIT - 12)}{at:02}@x.example" for at in range(MOST)]
    assert {len(one) for one in addresses} == {ADDRESS_LIMIT}
    assert len(users_query(addresses)) < _URL_LIMIT


@pytest.mark.parametrize("mail", [None, "", "  ", "a" * (ADDRESS_LIMIT + 1)])
def test_what_no_column_can_hold_is_not_asked_for(mail: str | None) -> None:
    assert address(Person(id="7", email=mail)) is None
