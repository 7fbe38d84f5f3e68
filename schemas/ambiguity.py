"""Does an object name one of the members that decide its way twice?

RFC 8259 leaves it to the reader which of the two counts: orjson takes the last, others the first.
An event that one service files under another tenant than the next does is no event for us.

orjson does not tell. The standard library's parser does, and is slower: it is asked only where a
name stands in the bytes more than once (a deeper object may have an `id`, too) or may be spelled
with escapes.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

_DECIDING = frozenset({"id", "tenantid", "type", "version"})
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def repeated(parsed: Mapping[str, Any], body: bytes) -> str | None:
    """Return a deciding member of `parsed` that `body`, its JSON, has twice; None if it has none.

    Names are compared as spelled: of `id` and `Id`, `schemas.envelope` takes the documented one.
    """
    deciding = [name for name in parsed if name.lower() in _DECIDING]
    if not (_ESCAPED_LETTER.search(body) or any(_is_suspicious(name, body) for name in deciding)):
        return None
    # Numbers stay text: they need no value here, and one of 5,000 digits would be refused.
    members = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    times = Counter(name for name, _ in members)
    return next((name for name in deciding if times[name] > 1), None)


def _is_suspicious(name: str, body: bytes) -> bool:
    return body.count(b'"%b"' % name.encode()) > 1
