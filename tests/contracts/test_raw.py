"""Raw requests: each has one meaning and is stored once, or is refused and the connection ends.

`data/http/raw.json` holds them. `raw` is sent, in latin-1; `statuses` are those of all answers;
`bodies` is what was stored. Behind each case another request is sent, which is answered 404 if the
connection goes on: whoever has lost count of where a request ends is found out by it.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fuzz.seeds import joined
from ingress import gate
from ingress.settings import Settings
from tests import ingress_rig
from tests.ingress_rig import FakeSink, Served, connect, served, settings

FILE = Path(__file__).parent.parent / "data" / "http" / "raw.json"
END = b"GET /end HTTP/1.1\r\nHost: t\r\n\r\n"
PATIENCE_SECONDS = 20.0
AT_ONCE = 8
STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")


@dataclass
class Case:
    name: str
    raw: bytes
    statuses: list[int]
    bodies: list[bytes]

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Case":
        return cls(
            row["case"],
            joined(row),
            row["statuses"],
            [body.encode("latin-1") for body in row["bodies"]],
        )


CASES = [Case.of(row) for row in json.loads(FILE.read_text())]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.fixture(autouse=True)
def _no_long_goodbyes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(ingress_rig, "SWEEP_SECONDS", 0.02)


@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast lane", "application"])
@pytest.mark.parametrize("pieces", [1, 7], ids=["whole", "sevenths"])
async def test_every_request_has_one_meaning(*, fast_lane: bool, pieces: int) -> None:
    chosen = settings(secrets=(), allow_unsigned=True, fast_lane=fast_lane)
    shares = (CASES[start::AT_ONCE] for start in range(AT_ONCE))
    found = await asyncio.gather(*(_differences(chosen, share, pieces) for share in shares))
    if differences := [each for share in found for each in share]:
        pytest.fail("\n".join(differences), pytrace=False)


async def _differences(chosen: Settings, cases: Sequence[Case], pieces: int) -> list[str]:
    """Say which cases went otherwise, and how."""
    differences = []
    sink = FakeSink()
    async with served(sink, chosen) as app:
        for case in cases:
            sink.stored.clear()
            statuses, closed = await _answers(app, case, pieces)
            bodies = [record.value for record in sink.stored]
            ends = (case.statuses, [*case.statuses, 404])
            if statuses not in ends or bodies != case.bodies or not closed:
                differences.append(f"{case.name}: {statuses}, {bodies[:3]}, {closed=}")
    return differences


async def _answers(app: Served, case: Case, pieces: int) -> tuple[list[int], bool]:
    """Return the statuses of all answers, and whether the server hung up."""
    answers, closed = b"", False
    async with connect(app.port) as connection:
        sending = asyncio.create_task(_send(connection.writer, case.raw + END, pieces))
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while piece := await connection.reader.read(65536):
                    answers += piece
                closed = True
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await sending
    return [int(status) for status in STATUS.findall(answers)], closed


async def _send(writer: asyncio.StreamWriter, raw: bytes, pieces: int) -> None:
    for piece in _cut(raw, pieces):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.002 if pieces > 1 else 0)


def _cut(raw: bytes, pieces: int) -> Sequence[bytes]:
    size = -(-len(raw) // pieces)
    return [raw[start : start + size] for start in range(0, len(raw), size)]
