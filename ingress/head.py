"""What a request's headers say, as far as it matters, and whether they can be read in one way only.

A request that a proxy and this process could read differently is how another caller's request is
smuggled in (RFC 9112 section 11.2). Of such llhttp refuses: both lengths, a length said twice,
folded lines, bare line feeds, spaces before a colon. What it lets pass is refused here.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_VERSIONS = ("1.1", "1.0")
_SPACE = b" \t"
"""What may stand around a value; llhttp leaves it there at times."""
SIGNATURES = (b"x-seismic-signature", b"x-seismic-signature-old")
_USUAL = 256
"""Longer hosts in bytes are not remembered: a stranger chooses them."""

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(:[0-9]*)?")


class Head(NamedTuple):
    """What was found.

    `length` is the announced one of the body in bytes, -1 if there is none; `size` is the sum of
    all names and values in bytes; `framed` is false if the request can be read in two ways.
    """

    signatures: tuple[bytes, ...]
    traceparent: str | None
    encoded: bool
    length: int
    size: int
    framed: bool

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]], version: str = "1.1") -> "Head":
        """Read ASGI headers: names in lower case, latin-1."""
        signatures: tuple[bytes, ...] = ()
        traceparent, encoded, length, size = None, False, -1, 0
        hosts, codings, framed = 0, 0, True
        for name, value in headers:
            size += len(name) + len(value)
            if name in SIGNATURES:
                signatures += (value,)
            elif name == b"content-length":
                length = int(value)
            elif name == b"host":
                hosts += 1
                framed = framed and (_is_short_host if len(value) <= _USUAL else _is_host)(value)
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"content-encoding":
                encoded = value.strip().lower() not in (b"", b"identity")
            elif name == b"transfer-encoding":
                codings += 1
                framed = framed and value.strip(_SPACE).lower() == b"chunked" and version == "1.1"
        framed = framed and codings <= 1 and hosts <= 1 and (hosts == 1 or version == "1.0")
        framed = framed and version in _VERSIONS
        return cls(signatures, traceparent, encoded, length, size, framed)


def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value.strip(_SPACE)) is not None


_is_short_host = lru_cache(maxsize=256)(_is_host)
