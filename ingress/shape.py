"""Heads that look like one that was read before: one match instead of a parser's many steps.

A caller's requests differ in their bodies; of their heads, in the signature, the length, and what
nobody here interprets. The shape of a head is a pattern of all that must stay the same: the request
line, the names of the headers in their order, and the values that say how the request is framed.
Where data is a head of a known shape and its body, no byte more or less, the parser would find what
the pattern finds, and is not asked. All else is the parser's, which knows nothing of shapes.

A shape is learned from an event that was read the long way and accepted: from nobody who cannot
sign, unless the unsigned are accepted, too. A request of six headers is found in 0.5 µs; parser,
callbacks and `ingress.head` take 7.
"""

import re
from itertools import groupby
from typing import Self

from ingress.head import SIGNATURES
from ingress.record import Call

LONGEST = 2048
"""Longer heads in bytes are not learned: a caller chooses them."""

_END = b"\r\n\r\n"
_ANY = rb"[ -~]*"
_LENGTH, _TRACE = b"content-length", b"traceparent"
_FOUND = {
    **dict.fromkeys(SIGNATURES, rb"([0-9A-Za-z]+)"),
    _LENGTH: rb"([0-9]{1,9})",
    _TRACE: rb"([0-9a-f-]+)",
}
"""The values that a request is read for."""
_SAME = frozenset(
    (
        b"host",
        b"connection",
        b"proxy-connection",
        b"upgrade",
        b"expect",
        b"transfer-encoding",
        b"content-encoding",
    )
)
"""The names whose values the parser, `ingress.gate` or `ingress.head` interprets."""


class Shape:
    """The shape of one head; `found` names what its pattern's groups hold, in their order."""

    __slots__ = ("_length", "_longest", "_match", "_signatures", "_trace")

    def __init__(self, pattern: re.Pattern[bytes], found: list[bytes], longest: int) -> None:
        self._match = pattern.match
        self._longest = longest
        self._length = found.index(_LENGTH)
        signed = [at for at, name in enumerate(found) if name in SIGNATURES]
        self._signatures = slice(signed[0], signed[-1] + 1) if signed else slice(0)
        self._trace = found.index(_TRACE) if _TRACE in found else None

    @classmethod
    def of(cls, head: bytes, longest: int) -> Self | None:
        """Learn from an accepted event's head; None if it is too unusual to be worth it.

        `longest` is the length in bytes beyond which a head of this shape is the parser's.
        """
        if len(head) > min(longest, LONGEST):
            return None
        first, *headers = head.removesuffix(_END).split(b"\r\n")
        lines, found = [re.escape(first)], []
        for header in headers:
            name, line = _line(header)
            lines.append(line)
            if name in _FOUND:
                found.append(name)
        pattern = re.compile(b"\r\n".join(lines) + _END)
        usual = _in_usual_order(found) and pattern.fullmatch(head)
        return cls(pattern, found, min(longest, LONGEST)) if usual else None

    def read(self, data: bytes) -> Call | None:
        """Return the call that `data` is; None if it is not of this shape, or not just one."""
        if not (match := self._match(data)):
            return None
        found, begin = match.groups(), match.end()
        if len(data) - begin != int(found[self._length]) or begin > self._longest:
            return None
        trace = None if self._trace is None else found[self._trace].decode()
        return Call(data[begin:], found[self._signatures], trace)


def _line(header: bytes) -> tuple[bytes, bytes]:
    """Return a header's name in lower case, and the pattern of its line."""
    name, colon, value = header.partition(b":")
    lower = name.lower()
    if lower in _SAME or not colon:
        return lower, re.escape(header)
    before = header[: len(header) - len(value.lstrip(b" \t"))]
    return lower, re.escape(before) + _FOUND.get(lower, _ANY)


def _in_usual_order(found: list[bytes]) -> bool:
    """Whether there is one length, at most one trace, and nothing between two signatures."""
    kinds = [kind for kind, _ in groupby(found, key=lambda name: name in SIGNATURES)]
    once = found.count(_LENGTH) == 1 and found.count(_TRACE) <= 1
    return once and kinds.count(True) <= 1
