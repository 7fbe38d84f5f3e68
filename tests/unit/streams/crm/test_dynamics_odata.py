from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.crm.dynamics.odata import either, equal, guid, query, rows
from tests.crm_fakes.dynamics_filter import condition

KEY = UUID("11111111-1111-4111-8111-111111111111")


@given(st.text(), st.text(max_size=20))
def test_a_literal_means_its_text_and_nothing_else(text: str, other: str) -> None:
    holds = condition(equal("name", text))
    assert holds({"name": text})
    assert holds({"name": other}) == (other.casefold() == text.casefold())


@given(st.text())
def test_a_condition_comes_through_a_url_as_it_is(text: str) -> None:
    encodable = text.encode(errors="replace").decode()
    path = query("contacts", ["contactid", "emailaddress1"], equal("emailaddress1", encodable))
    assert path.isascii()
    options = parse_qs(urlsplit(path).query, strict_parsing=True)
    assert options == {
        "$select": ["contactid,emailaddress1"],
        "$filter": [equal("emailaddress1", encodable)],
    }


@pytest.mark.parametrize("text", ["o'hara@x.example", "' or 1 eq 1 or 'a' eq 'a", "''", "'"])
def test_a_quote_does_not_end_the_literal(text: str) -> None:
    holds = condition(either([equal("mail", text), equal("mail", "b")]))
    assert [holds({"mail": mail}) for mail in (text, "b", "a")] == [True, True, False]


def test_a_guid_stands_bare() -> None:
    assert equal("contactid", KEY) == f"contactid eq {KEY}"


@pytest.mark.parametrize("form", ["{}", "{{{}}}", " {} "])
def test_a_guid_is_read_in_its_usual_forms(form: str) -> None:
    key = uuid4()
    assert guid(form.format(str(key).upper())) == key


@pytest.mark.parametrize("text", ["", "0064600", "00646000009eMGL", "x" * 36, f"{KEY}0", KEY.hex])
def test_anything_else_is_no_guid(text: str) -> None:
    assert guid(text) is None


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"value":1}', b'{"value":[1]}'])
def test_an_answer_without_records_is_told(body: bytes) -> None:
    with pytest.raises(ValueError):
        rows(body)
