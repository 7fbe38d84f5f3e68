"""What a request's headers say, as far as it matters."""

from collections.abc import Iterable
from typing import NamedTuple

_SIGNATURES = (b"x-seismic-signature", b"x-seismic-signature-old")


class Head(NamedTuple):
    """`length` is the announced one of the body in bytes, -1 if there is none."""

    signatures: tuple[bytes, ...]
    traceparent: str | None
    encoded: bool
    length: int

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> "Head":
        """Read ASGI headers: names in lower case, latin-1."""
        signatures: tuple[bytes, ...] = ()
        traceparent, encoded, length = None, False, -1
        for name, value in headers:
            if name in _SIGNATURES:
                signatures += (value,)
            elif name == b"content-length":
                length = int(value)
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"content-encoding":
                encoded = value.strip().lower() not in (b"", b"identity")
        return cls(signatures, traceparent, encoded, length)
