"""The part of OData's `$filter` that the fake understands: eq, ne, and, or, parentheses, literals.

Texts are compared without case, as Dataverse compares them.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/filter-rows
"""

import re
from collections.abc import Callable, Mapping
from uuid import UUID

Condition = Callable[[Mapping[str, object]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<guid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})
      | (?P<word>\w+)
      | (?P<mark>[()])
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_WORDS: Mapping[str, object] = {"true": True, "false": False, "null": None}


class BadFilter(ValueError):
    """Dataverse would not read this."""


def condition(text: str) -> Condition:
    """Read a filter.

    Raises:
        BadFilter: it is none.
    """
    parser = _Parser(text)
    found = parser.either()
    parser.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def either(self) -> Condition:
        parts = [self._both()]
        while self._take_word("or"):
            parts.append(self._both())
        return lambda row: any(part(row) for part in parts)

    def end(self) -> None:
        if self._at != len(self._text):
            raise BadFilter(f"Syntax error at position {self._at}")

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take_word("and"):
            parts.append(self._one())
        return lambda row: all(part(row) for part in parts)

    def _one(self) -> Condition:
        kind, column = self._take()
        if column == "(":
            inside = self.either()
            if self._take()[1] != ")":
                raise BadFilter("')' expected")
            return inside
        operator = self._take()[1]
        if kind != "word" or operator not in {"eq", "ne"}:
            raise BadFilter(f"Syntax error at position {self._at}")
        value = self._literal()
        return lambda row: (_folded(row[column]) == _folded(value)) == (operator == "eq")

    def _literal(self) -> object:
        kind, text = self._take()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "guid":
            return str(UUID(text))
        if text in _WORDS:
            return _WORDS[text]
        if text.isdigit():
            return int(text)
        raise BadFilter(f"Syntax error at position {self._at}")

    def _take_word(self, word: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["word"] != word:
            return False
        self._at = match.end()
        return True

    def _take(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise BadFilter(f"Syntax error at position {self._at}")
        self._at = match.end()
        kind = match.lastgroup or ""
        return kind, match[kind]


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value
