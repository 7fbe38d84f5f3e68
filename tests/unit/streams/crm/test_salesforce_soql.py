"""The connector's queries, read by the fake's reader of SOQL: nothing gets out of its quotes."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.crm.salesforce import soql
from tests.crm_fakes.soql import read

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1)


@given(TEXTS, st.text(max_size=20))
def test_a_query_finds_exactly_the_addresses_it_names(addresses: list[str], other: str) -> None:
    query = read(soql.people("Contact", addresses))
    rows = [{"Id": str(at), "Email": one} for at, one in enumerate([*addresses, other])]
    found = {row["Email"] for row in query.select(rows)}
    assert set(addresses) <= found
    assert (other in found) is (other.lower() in {one.lower() for one in addresses})


def test_users_are_sought_by_both_names_and_only_active_ones() -> None:
    query = read(soql.users(["sam@x.example"]))
    row = {"Id": "1", "Email": "SAM@x.example", "IsActive": True, "UserType": "Standard"}
    rows = [
        row,
        {**row, "Id": "2", "Email": "other", "Username": "sam@x.example"},
        {**row, "Id": "3", "IsActive": False},
        {**row, "Id": "4", "UserType": "PowerPartner"},
        {**row, "Id": "5", "Email": "other", "Username": "other"},
    ]
    assert [found["Id"] for found in query.select(rows)] == ["1", "2"]


def test_converted_leads_are_left_out() -> None:
    query = read(soql.people("Lead", ["a"]))
    rows = [{"Id": str(at), "Email": "a", "IsConverted": at == 1} for at in range(2)]
    assert [row["Id"] for row in query.select(rows)] == ["0"]


def test_queries_go_in_a_body_and_in_their_order() -> None:
    request = soql.batch("62.0", ["SELECT Id FROM A", "SELECT Id FROM B WHERE C = 'd+e&f'"])
    assert (request.method, request.path) == ("POST", "/services/data/v62.0/composite/batch")
    urls = [part["url"] for part in orjson.loads(request.body or b"")["batchRequests"]]
    assert urls == [
        "v62.0/query/?q=SELECT%20Id%20FROM%20A",
        "v62.0/query/?q=SELECT%20Id%20FROM%20B%20WHERE%20C%20%3D%20%27d%2Be%26f%27",
    ]


def test_of_several_records_the_first_counts_and_of_several_fields_the_earlier() -> None:
    records: list[dict[str, str | None]] = [
        {"Id": "1", "Email": "A@x", "Username": None},
        {"Id": "2", "Email": "a@x", "Username": "b@x"},
        {"Id": "3", "Email": "b@x", "Username": "c@x"},
    ]
    assert soql.ids(records, "Username", "Email") == {"a@x": "1", "b@x": "2", "c@x": "3"}
