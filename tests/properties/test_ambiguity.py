"""A member that decides an event's way stands in it once, or the event is set aside."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.record import Call, Record
from schemas.ambiguity import repeated
from schemas.topics import Topics
from tests.ingress_rig import SECRET, sign

NAMES = ("id", "Id", "tenantId", "TenantId", "type", "version", "data", "other")
DECIDING = {name for name in NAMES if name.lower() in {"id", "tenantid", "type", "version"}}
JUDGE = Judge(Keyring([SECRET]), Topics(), legacy_tenant="legacy", allow_unsigned=False)

names = st.sampled_from(NAMES)
deep = st.recursive(
    st.sampled_from(["id", "tenantId", '"id"', '"id', 'id"', "\\u0069d", 1, 1.5, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spelled(draw: st.DrawFn, name: str) -> str:
    """Return the name as JSON, some letters escaped."""
    escaped = draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    letters = (
        f"\\u{ord(letter):04x}" if escape else letter
        for letter, escape in zip(name, escaped, strict=True)
    )
    return f'"{"".join(letters)}"'


encoders: st.SearchStrategy[Callable[[Any], str]] = st.sampled_from(
    [
        json.dumps,
        lambda value: json.dumps(value).replace('\\"', "\\u0022"),
    ]
)


@given(st.data(), st.lists(st.tuples(names, deep), max_size=6))
def test_a_deciding_member_is_found_twice_exactly_if_it_is_there_twice(
    data: st.DataObject, members: list[tuple[str, Any]]
) -> None:
    text = ",".join(
        f"{data.draw(spelled(name))}: {data.draw(encoders)(value)}" for name, value in members
    )
    body = f"{{{text}}}".encode()
    twice = {name for name, _ in members if [each for each, _ in members].count(name) > 1}
    found = repeated(orjson.loads(body), body)
    assert (found is None) == (not twice & DECIDING)
    assert found is None or found in twice


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"a","tenantId":"t","tenantId":"u","version":"V"}',
        b'{"id":"a","tenantId":"t","\\u0074enantId":"u","version":"V"}',
        b'{"id":"a","id":"a","tenantId":"t","version":"V"}',
        b'{"type":"LivesendSent","id":"a","tenantId":"t","type":"V"}',
        b'{"appId":"a","tenantId":"t","tenantId":"u","requestId":"r","type":"Install"}',
        b'{"id":"a","id":"b","tenantId":"t","version":"V","data":{"x":"\\u0022id"}}',
        b'{"id":"a","id":"b","tenantId":"t","version":"V","data":{"\\u0069d":1}}',
    ],
)
def test_such_an_event_is_set_aside_and_nobodys(body: bytes) -> None:
    verdict = JUDGE(Call(body, (sign(body).encode(),)), 1)
    assert isinstance(verdict, Record)
    assert (verdict.topic, verdict.key, verdict.value) == ("seismic.quarantine", None, body)
    assert verdict.reason == "ambiguous"


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"b","tenantId":"u","type":"x","version":"y"}',
        b'["id","id"]',
        b'"\\u0069d"',
        b'"' + b"\\" * 4 + b'u0069d"',
        b"1" * 300,
        b"1.5e300",
    ],
)
def test_what_stands_deeper_does_not_matter(data: bytes) -> None:
    body = b'{"id":"a","tenantId":"t","version":"V","data":{"x":' + data + b"}}"
    verdict = JUDGE(Call(body, (sign(body).encode(),)), 1)
    assert isinstance(verdict, Record)
    assert verdict.topic == "seismic.raw"


def test_a_number_that_is_written_longer_does_not_make_up_for_what_was_dropped() -> None:
    body = b'{"id":"a","id":"b","n":1e9}'
    assert len(orjson.dumps(orjson.loads(body))) == len(body)
    assert repeated(orjson.loads(body), body) == "id"
