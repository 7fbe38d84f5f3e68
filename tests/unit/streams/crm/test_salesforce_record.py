"""A command as a Task record, and which ids Salesforce may know."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.task import Related, TaskCommand
from streams.crm.salesforce import Options
from streams.crm.salesforce.record import Item, Links, is_id, long_id, record, related_id

OPTIONS = Options.model_validate({"client_id": "client", "client_secret": "secret"})
CONTACT, LEAD, USER, DEAL = "003A", "00QA", "005A", "006A"


def test_every_field_of_a_task(task: TaskCommand) -> None:
    full = task.model_copy(update={"body": "Sent on 1 October", "priority": "high"})
    links = Links(owner=USER, who=CONTACT, what=DEAL)
    assert record(Item(full, links), OPTIONS) == {
        "attributes": {"type": "Task"},
        "Subject": "Follow up: Pat Buyer",
        "Description": "Sent on 1 October",
        "ActivityDate": "2026-10-01",
        "Priority": "High",
        "Status": "Not Started",
        "Geophone_Key__c": str(task.key),
        "OwnerId": USER,
        "WhoId": CONTACT,
        "WhatId": DEAL,
    }


def test_what_is_not_known_is_left_out(task: TaskCommand) -> None:
    bare = record(Item(task, Links()), OPTIONS)
    assert not {"Description", "OwnerId", "WhoId", "WhatId"} & set(bare)


def test_the_organisations_own_values_are_used(task: TaskCommand) -> None:
    own = OPTIONS.model_copy(
        update={
            "key_field": "Other__c",
            "status": "Open",
            "priorities": {"normal": "Medium"},
            "fields": {"Source__c": "Seismic", "Subject": "never"},
        }
    )
    made = record(Item(task, Links()), own)
    assert (made["Status"], made["Priority"], made["Source__c"]) == ("Open", "Medium", "Seismic")
    assert made["Other__c"] == str(task.key)
    assert made["Subject"] == task.subject


def test_texts_are_cut_to_what_salesforce_holds(task: TaskCommand) -> None:
    long = task.model_copy(update={"subject": "s" * 300, "body": "b" * 33_000})
    made = record(Item(long, Links()), OPTIONS)
    assert (len(made["Subject"]), len(made["Description"])) == (255, 32_000)
    made = record(Item(long, Links(), halved=True), OPTIONS)
    assert (len(made["Subject"]), len(made["Description"])) == (127, 16_000)


def test_a_task_about_a_lead_has_no_related_record() -> None:
    assert Links(who=LEAD, what=DEAL).fields() == {"WhoId": LEAD}


ALL = Links(owner=USER, who=CONTACT, what=DEAL)


@pytest.mark.parametrize(
    ("links", "refused", "left"),
    [
        (ALL, ["WhatId"], {"OwnerId", "WhoId"}),
        (ALL, ["WhoId"], {"OwnerId", "WhatId"}),
        (ALL, ["OwnerId", "WhoId"], {"WhatId"}),
        (ALL, [], {"OwnerId", "WhoId"}),
        (ALL, ["Subject"], {"OwnerId", "WhoId"}),
        (Links(owner=USER, who=CONTACT), [], {"OwnerId"}),
        (Links(owner=USER), [], set()),
        (Links(owner=USER, who=LEAD, what=DEAL), [], {"OwnerId", "WhatId"}),
    ],
)
def test_a_refused_link_goes(links: Links, refused: list[str], left: set[str]) -> None:
    assert set(links.without(refused).fields()) == left


@given(st.builds(Links, *[st.none() | st.sampled_from([USER, CONTACT, LEAD, DEAL])] * 3))
def test_giving_up_links_comes_to_an_end(links: Links) -> None:
    steps = 0
    while links.fields():
        links = links.without([])
        steps += 1
    assert steps <= 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("00646000009eMGL", True),
        ("001D000000K0fXOIAZ", True),
        ("001D000000K0fXOIAA", False),
        ("00646000009eMG", False),
        ("00646000009eMGL4", False),
        ("00646000009eMG'", False),
        ("\u0660\u0660\u066646000009eMGL", False),
        ("", False),
    ],
)
def test_the_form_of_an_id(text: str, is_one: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_id(text) is is_one


@given(st.from_regex(r"\A[0-9A-Za-z]{15}\Z"))
def test_a_long_id_is_an_id_and_no_other_cut_of_letters_is(short: str) -> None:
    assert is_id(short)
    assert is_id(long_id(short))
    assert long_id(long_id(short)) == long_id(short)
    swapped = short.swapcase()
    assert (long_id(short)[15:] == long_id(swapped)[15:]) is (short == swapped)


def test_documented_long_ids() -> None:
    for long in ("001D000000K0fXOIAZ", "003D000000QV9n2IAD", "001R00000033I6AIAU"):
        assert long_id(long[:15]) == long


@pytest.mark.parametrize(
    ("related", "found"),
    [
        (None, None),
        (Related(type="Opportunity", id="00646000009eMGL"), "00646000009eMGL"),
        (Related(type="opportunity", id="00646000009eMGL"), "00646000009eMGL"),
        (Related(id="00646000009eMGL"), "00646000009eMGL"),
        (Related(type="Custom", id="a0146000009eMGL"), "a0146000009eMGL"),
        (Related(type="Account", id="00646000009eMGL"), None),
        (Related(type="Contact", id="00346000009eMGL"), None),
        (Related(id="00Q46000009eMGL"), None),
        (Related(id="0064600"), None),
    ],
)
def test_only_plausible_ids_are_related(
    task: TaskCommand, related: Related | None, found: str | None
) -> None:
    assert related_id(task.model_copy(update={"related": related})) == found


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": "c"},
        {"client_id": "c", "client_secret": "s", "private_key": {"file": "k"}, "username": "u"},
        {"client_id": "c", "private_key": {"file": "k"}},
        {"client_id": "c", "username": "u"},
        {"client_id": "c", "client_secret": "s", "key_field": "Key__c; DROP"},
        {"client_id": "c", "client_secret": "s", "api_version": "62"},
        {"client_id": "c", "client_secret": "s", "link_to": ["Account"]},
        {"client_id": "c", "client_secret": "s", "keyfield": "Key__c"},
    ],
)
def test_options_that_are_none(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Options.model_validate(options)


def test_options_do_not_show_secrets() -> None:
    assert "secret'" not in repr(OPTIONS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is frozen
@given(
    who=st.sampled_from([None, CONTACT, LEAD]),
    what=st.sampled_from([None, DEAL]),
    owners=st.lists(st.sampled_from(["005A", "005B", "005C"]), unique=True),
    blamed=st.lists(st.sets(st.sampled_from(["OwnerId", "WhoId", "WhatId", "Other__c"]))),
)
def test_whatever_is_blamed_the_links_come_to_an_end_and_none_is_tried_twice(
    task: TaskCommand,
    who: str | None,
    what: str | None,
    owners: list[str],
    blamed: list[set[str]],
) -> None:
    item = Item(task, Links(next(iter(owners), None), who, what), tuple(owners[1:]))
    tried = [item.links.fields()]
    while item.links.fields():
        item = item.without(blamed.pop() if blamed else ())
        assert item.links.fields() not in tried
        tried.append(item.links.fields())
    assert len(tried) <= 3 * (len(owners) + 1) + 1


def test_with_the_next_owner_the_records_come_back_that_nobody_has_named(task: TaskCommand) -> None:
    item = Item(task, Links(USER, CONTACT, DEAL), ("005B",))
    for refused in ((), (), ()):
        item = item.without(refused)
    assert item.links == Links("005B", CONTACT, DEAL)
    for named in (["WhatId"], ["OwnerId"]):
        item = item.without(named)
    assert item.links == Links(None, CONTACT, None)
