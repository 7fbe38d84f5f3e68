"""As much of SOQL as connectors speak: SELECT … FROM … WHERE … ORDER BY … LIMIT …, quoted as it is.

Grammar: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Condition = Callable[[Row], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\[nrtbf'\"\\])*')|(?P<word>[\w.]+)|(?P<sign>[(),=]))"
)
_SELECT = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<kind>\w+)(?: WHERE (?P<where>.*?))?"
    r"(?: ORDER BY (?P<order>\w+))?(?: LIMIT (?P<limit>\d+))?",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class MalformedQuery(Exception):
    """Not SOQL, or more of it than is spoken here."""


@dataclass(frozen=True)
class Query:
    """A query read."""

    fields: Sequence[str]
    kind: str
    where: Condition
    limit: int | None

    def select(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = [row for row in rows if self.where(row)][: self.limit]
        return [{field: row.get(field) for field in self.fields} for row in found]


def read(text: str) -> Query:
    """Read a query.

    Raises:
        MalformedQuery: it is none.
    """
    match = _SELECT.fullmatch(text)
    if match is None:
        raise MalformedQuery(text)
    fields = [field.strip() for field in match["fields"].split(",")]
    where = _Conditions(match["where"]).all() if match["where"] else lambda _: True
    return Query(fields, match["kind"], where, int(match["limit"]) if match["limit"] else None)


class _Conditions:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))

    def all(self) -> Condition:
        condition = self._either()
        if self._tokens:
            raise MalformedQuery(self._tokens[0])
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._accept("OR"):
            parts.append(self._both())
        return lambda row: any(part(row) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._accept("AND"):
            parts.append(self._one())
        return lambda row: all(part(row) for part in parts)

    def _one(self) -> Condition:
        if self._accept("("):
            condition = self._either()
            self._expect(")")
            return condition
        field = self._next()
        values = self._list() if self._accept("IN") else self._single()
        return lambda row: _folded(row.get(field)) in values

    def _single(self) -> list[Any]:
        self._expect("=")
        return [_value(self._next())]

    def _list(self) -> list[Any]:
        self._expect("(")
        values = [_value(self._next())]
        while self._accept(","):
            values.append(_value(self._next()))
        self._expect(")")
        return values

    def _next(self) -> str:
        if not self._tokens:
            raise MalformedQuery("unexpected end")
        return self._tokens.pop(0)

    def _accept(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._tokens.pop(0)
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise MalformedQuery(f"expected {token}")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedQuery(text[at:])
        yield match[0].strip() if match["text"] is None else match["text"]
        at = match.end()


def _value(token: str) -> Any:
    if token.startswith("'"):
        escaped = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1])
        return escaped.lower()
    if token in {"true", "false"}:
        return token == "true"
    raise MalformedQuery(token)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
