"""Does an object name one of the members that decide its way twice?

RFC 8259 leaves it to the reader which of the two counts: orjson takes the last, others the first.
An event that one service files under another tenant than the next does is no event for us.

orjson does not tell; the standard library's parser does, ten times slower, and is asked last. Where
what orjson writes of what it read is the bytes again, none was dropped: one comparison, and most
senders write as it does. Where a name stands in the bytes once, or as often as in what it writes,
none was dropped either.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

_DECIDING = frozenset({"id", "tenantid", "type", "version"})
_LONGEST = max(map(len, _DECIDING))
"""Longer names decide nothing, and none is remembered: a sender chooses them."""

_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_ESCAPED_QUOTE = rb"\u0022"


def repeated(parsed: Mapping[str, Any], body: bytes) -> str | None:
    """Return a deciding member of `parsed` that `body`, its JSON, has twice; None if it has none.

    Names are compared as spelled: of `id` and `Id`, `schemas.envelope` takes the documented one.
    """
    written = orjson.dumps(parsed)
    if written == body:
        return None
    quoted = [each for name in parsed if len(name) <= _LONGEST and (each := _quoted(name))]
    escaped = b"\\u" in body and _ESCAPED_LETTER.search(body) is not None
    if not escaped and all(body.count(each) == 1 for each in quoted):
        return None
    comparable = not escaped and _ESCAPED_QUOTE not in body
    if comparable and all(body.count(each) == written.count(each) for each in quoted):
        return None
    return _counted([each[1:-1].decode() for each in quoted], body)


@lru_cache(maxsize=1024)
def _quoted(name: str) -> bytes | None:
    """Return a deciding member's name as it stands in JSON; None if it decides nothing."""
    return b'"%b"' % name.encode() if name.lower() in _DECIDING else None


def _counted(names: Iterable[str], body: bytes) -> str | None:
    # Numbers stay text: they need no value here, and one of 5,000 digits would be refused.
    members = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    times = Counter(name for name, _ in members)
    return next((name for name in names if times[name] > 1), None)
