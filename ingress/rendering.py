"""An answer as bytes, for those who write to the connection themselves."""

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ingress import answers
from ingress.answers import Answer, Header

_CLOSE = b"connection: close\r\n"


class Rendering:
    """Remembers the headers that every answer has: uvicorn makes new ones once a second.

    And the one answer that nearly all requests get.
    """

    def __init__(self) -> None:
        self._defaults: list[Header] = []
        self._common = b""
        self._stored = b""

    def __call__(self, answer: Answer, defaults: list[Header], *, closing: bool) -> bytes:
        """Return the whole answer."""
        if defaults is not self._defaults:
            self._defaults, self._common = defaults, _lines(defaults)
            self._stored = self._rendered(answers.STORED, closing=False)
        if answer is answers.STORED and not closing:
            return self._stored
        return self._rendered(answer, closing=closing)

    def _rendered(self, answer: Answer, *, closing: bool) -> bytes:
        own = _lines(answer.headers)
        last = _CLOSE if closing and answers.CLOSE not in answer.headers else b""
        return b"".join((STATUS_LINE[answer.status], self._common, own, last, b"\r\n", answer.body))


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
