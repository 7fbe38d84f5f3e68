"""What a search starts from: the examples that the tests have already."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "tests" / "data"
_EVENT = b'{"id":"e","tenantId":"t","version":"LivesendUpdatedV1","data":{"x":%b}}'
_SIZES = (6, 255)
"""Of the pieces in which a request comes, less one."""
_LARGEST = 4096


def bodies() -> list[bytes]:
    """Return every documented sample, and JSON of every kind as a part of an event."""
    samples = [file.read_bytes() for file in sorted((DATA / "seismic").rglob("*.json"))]
    cases = [case["text"].encode("latin-1") for case in _rows("json/corpus.json")]
    return _small([*samples, *(_EVENT % case for case in cases)])


def requests() -> list[bytes]:
    """Return the raw requests whose one meaning is known, each in two sizes of pieces."""
    raw = [joined(row) for row in _rows("http/raw.json")]
    return _small([bytes([size]) + each for each in raw for size in _SIZES])


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return rows


def joined(row: dict[str, Any]) -> bytes:
    """Return the bytes of one row of `http/raw.json`."""
    return b"".join(map(_part, row["raw"]))


def _part(part: str | dict[str, Any]) -> bytes:
    text = part if isinstance(part, str) else part["repeat"] * part["times"]
    return str(text).encode("latin-1")


def _small(inputs: list[bytes]) -> list[bytes]:
    return [each for each in inputs if len(each) <= _LARGEST]
