"""What a shape finds in some bytes, the parser would have found, and nothing besides."""

from collections.abc import Mapping
from typing import Any

import httptools
from hypothesis import example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from ingress.head import Head
from ingress.record import Call
from ingress.shape import Shape

LONGEST = 1024
BODY = b'{"id":"e-1"}'
SIGNATURE = b"ab" * 32
TRACE = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"

Headers = list[tuple[bytes, bytes]]


class Read:
    """What httptools and `ingress.head` find; `requests` counts those that are complete."""

    def __init__(self, data: bytes) -> None:
        self.url, self.body, self.requests = b"", b"", 0
        self.headers: Headers = []
        self.parser: Any = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)
        self.head = Head.of(self.headers, self.parser.get_http_version())

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.requests += 1


def head(headers: Headers) -> bytes:
    lines = [b"POST /webhook HTTP/1.1", *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"", b""])


def usual(**changed: bytes) -> Headers:
    """Return the headers of an ordinary event; a name's underscores are hyphens."""
    values = {
        "Host": b"hooks.example.com",
        "x_request_id": b"1",
        "X_Seismic_Signature": SIGNATURE,
        "traceparent": TRACE,
        "Content_Length": b"%d" % len(BODY),
        "accept": b"*/*",
    }
    return as_headers(values | changed)


def as_headers(values: Mapping[str, bytes]) -> Headers:
    return [(name.replace("_", "-").encode(), value) for name, value in values.items()]


def learned(headers: Headers) -> Shape:
    shape = Shape.of(head(headers), LONGEST)
    assert shape
    return shape


def whole(headers: Headers, body: bytes) -> bytes:
    return head(headers) + body


EVENT = whole(usual(), BODY)
NEWS = [
    b"\r\n",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nContent-Length: 1",
    b"\r\nHost: other",
    b"\r\nConnection: close",
    b"\r\nExpect: 100-continue",
    b"\r\nUpgrade: h2c",
    b"\r\n x",
    *(bytes([byte]) for byte in b"\r\n\0\t :,;+-0aZ\x7f\x80\xff"),
]
odd = st.lists(st.sampled_from(NEWS) | st.binary(max_size=3), max_size=3).map(b"".join)
events = st.builds(
    lambda **changed: whole(usual(**changed), BODY),
    x_request_id=odd | st.just(b"2"),
    X_Seismic_Signature=odd | st.just(SIGNATURE),
    traceparent=odd | st.just(TRACE),
    accept=odd | st.just(b""),
)
changes = st.lists(
    st.tuples(
        st.integers(0, len(EVENT)),
        st.integers(0, 3),
        st.sampled_from(NEWS) | st.binary(max_size=3),
    ),
    max_size=2,
)


@how(max_examples=2000)
@given(events, changes)
@example(EVENT, [(EVENT.index(b"ab" * 32), 2, b"\r\n")])
@example(EVENT, [(EVENT.index(b"*/*"), 0, b"\r\nTransfer-Encoding: chunked")])
@example(EVENT, [(EVENT.index(b"12\r\n"), 2, b"012")])
@example(EVENT, [(len(EVENT), 0, EVENT)])
def test_what_is_found_is_what_the_parser_finds(
    data: bytes, places: list[tuple[int, int, bytes]]
) -> None:
    for place, gone, new in places:
        data = data[:place] + new + data[place + gone :]
    if (call := learned(usual()).read(data)) is None:
        return
    read = Read(data)
    assert (read.requests, read.url, read.body) == (1, b"/webhook", call.body)
    assert read.parser.get_method() == b"POST"
    assert read.parser.get_http_version() == "1.1"
    assert read.parser.should_keep_alive()
    assert not read.parser.should_upgrade()
    assert read.head.framed
    assert not read.head.encoded
    assert (read.head.signatures, read.head.traceparent) == (call.signatures, call.traceparent)
    assert b"expect" not in dict(read.headers)


values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.encode)
bodies = st.binary(max_size=200)


@given(bodies, values, st.from_regex(rb"[0-9a-f]{64}", fullmatch=True))
def test_whatever_nobody_interprets_may_differ(body: bytes, value: bytes, signature: bytes) -> None:
    other = usual(
        x_request_id=value,
        X_Seismic_Signature=signature,
        traceparent=TRACE.replace(b"a", b"c"),
        Content_Length=b"%d" % len(body),
    )
    found = learned(usual()).read(whole(other, body))
    assert found == Call(body, (signature,), TRACE.replace(b"a", b"c").decode())


DIFFERENT = {
    "another host": whole(usual(Host=b"other.example.com"), BODY),
    "another method": EVENT.replace(b"POST", b"PUT", 1),
    "another path": EVENT.replace(b"/webhook", b"/webhook2"),
    "another version": EVENT.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "one header more": whole([*usual(), (b"x", b"y")], BODY),
    "one header less": whole(usual()[:-1], BODY),
    "another order": whole(usual()[::-1], BODY),
    "a longer body": EVENT + b"x",
    "a shorter body": EVENT[:-1],
    "two requests": EVENT + EVENT,
    "an empty line before": b"\r\n" + EVENT,
    "a sign before the length": whole(usual(Content_Length=b"+12"), BODY),
    "no signature": whole(usual(X_Seismic_Signature=b""), BODY),
    "two signatures in one": whole(usual(X_Seismic_Signature=b"a,b"), BODY),
    "no ASCII": whole(usual(x_request_id="é".encode()), BODY),
    "too long a head": whole(usual(x_request_id=b"x" * LONGEST), BODY),
    "bare line feeds": EVENT.replace(b"\r\n", b"\n"),
    "nothing": b"",
}


def test_whatever_else_differs_is_the_parsers() -> None:
    shape = learned(usual())
    assert shape.read(EVENT)
    assert [name for name, data in DIFFERENT.items() if shape.read(data)] == []


def test_two_signatures_are_both_found() -> None:
    both = as_headers(
        {
            "Host": b"t",
            "x-seismic-signature": SIGNATURE,
            "X-Seismic-Signature-Old": b"cd" * 32,
            "Content-Length": b"12",
        }
    )
    found = learned(both).read(whole(both, BODY))
    assert found == Call(BODY, (SIGNATURE, b"cd" * 32))


def test_none_is_needed_where_none_was() -> None:
    none = as_headers({"Host": b"t", "Content-Length": b"12"})
    assert learned(none).read(whole(none, BODY)) == Call(BODY)


UNUSUAL = {
    "no length": usual()[:4],
    "something between two signatures": [*usual(), (b"x-seismic-signature-old", SIGNATURE)],
    "an empty signature": usual(X_Seismic_Signature=b""),
    "no trace": usual(traceparent=b"none"),
    "two traces": [*usual(), (b"traceparent", TRACE)],
    "no ASCII": usual(x_request_id="é".encode()),
    "very long": usual(x_request_id=b"x" * 5000),
}


def test_from_what_is_unusual_nothing_is_learned() -> None:
    assert [name for name, each in UNUSUAL.items() if Shape.of(head(each), 16_384)] == []
