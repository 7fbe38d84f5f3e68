"""JSON of every kind: an event that is JSON is stored as it is, what is not is set aside as it is.

`data/json/corpus.json` follows the kinds of the JSON Parsing Test Suite (Nicolas Seriot, 2016) in
texts of our own; `text` is in latin-1. What RFC 8259 leaves open is decided here: no byte order
mark, no lone surrogate, no number beyond a double, UTF-8 only.
"""

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingress.__main__ import spare_the_collector
from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.record import Call, Record
from schemas.envelope import MAX_CONTAINERS
from schemas.topics import Topics
from tests.ingress_rig import SECRET, sign

FILE = Path(__file__).parent.parent / "data" / "json" / "corpus.json"
CORPUS: list[dict[str, str]] = json.loads(FILE.read_text())
JUDGE = Judge(Keyring([SECRET]), Topics(), legacy_tenant="legacy", allow_unsigned=False)
EVENT = b'{"id":"e","tenantId":"t","version":"LivesendUpdatedV1","data":{"x":%b}}'
MIB = 1024 * 1024
CPU_SECONDS = 0.05


def judged(body: bytes) -> Record:
    """Judge a signed body; whatever it is, it is stored."""
    verdict = JUDGE(Call(body, (sign(body).encode(),)), 1)
    assert isinstance(verdict, Record)
    assert verdict.value == body
    assert verdict.answer.status == 200
    return verdict


def test_the_corpus_is_large_and_no_case_is_there_twice() -> None:
    assert len(CORPUS) >= 300
    assert len({case["case"] for case in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["case"])
def test_as_a_value_within_an_event(case: dict[str, str]) -> None:
    found = judged(EVENT % case["text"].encode("latin-1"))
    if case["verdict"] == "yes":
        assert (found.topic, found.reason) == ("seismic.raw", None)
    else:
        assert (found.topic, found.reason) == ("seismic.quarantine", "not-json")


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["case"])
def test_as_the_whole_body(case: dict[str, str]) -> None:
    found = judged(case["text"].encode("latin-1"))
    assert found.topic == "seismic.quarantine"
    no_json = found.reason == "not-json"
    assert no_json == (case["verdict"] == "no")


def filled(piece: bytes) -> bytes:
    """Return an event of about 1 MiB, or of as many lists and objects as one may have."""
    brackets = piece.count(b"[") + piece.count(b"{")
    count = (MIB - 100) // (len(piece) + 1)
    if brackets:
        count = min(count, (MAX_CONTAINERS - 4) // brackets)
    return EVENT % (b"[" + b",".join([piece] * count) + b"]")


HUGE = {
    "empty lists": filled(b"[]"),
    "empty objects": filled(b"{}"),
    "objects": filled(b'{"":0}'),
    "ids": filled(b'{"id":0}'),
    "ids, escaped": EVENT % (b'[{"\\u0069d":0},' + filled(b'{"id":0}')[80:-2] + b"]"),
    "names": filled(b'"id"'),
    "digits": filled(b"1"),
    "floats": filled(b"1.5e300"),
    "one string": EVENT % (b'"' + b"x" * (MIB - 100) + b'"'),
    "escapes": EVENT % (b'"' + b"\\u0061" * ((MIB - 100) // 6) + b'"'),
    "backslashes": EVENT % (b'"' + b"\\\\" * ((MIB - 100) // 2) + b'"'),
    "keys": b"{" + b",".join(b'"%d":0' % number for number in range(95_000)) + b"}",
    "one key": b'{"' + b"k" * (MIB - 100) + b'":0}',
    "a thousand levels": b"[" * 1000 + b"]" * 1000,
    "half a million lists": b"[" + b"[]," * (MIB // 3) + b"0]",
    "half a million levels": b"[" * (MIB // 2) + b"]" * (MIB // 2),
    "sixty-four levels, again and again": filled(b"[" * 60 + b"]" * 60),
    "nothing": b" " * MIB,
    "a number without end": b"1" * MIB,
    "an integer of 4,300 digits": EVENT % (b'{"id":' + b"1" * 300 + b"}"),
}


@pytest.fixture
def _collector_as_in_the_process() -> Iterator[None]:
    threshold = gc.get_threshold()
    spare_the_collector()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("_collector_as_in_the_process")
@pytest.mark.parametrize("name", HUGE)
def test_no_body_costs_much(name: str) -> None:
    body = HUGE[name]
    assert min(_cpu_seconds(body) for _ in range(5)) < CPU_SECONDS


def _cpu_seconds(body: bytes) -> float:
    gc.collect()
    started = time.process_time()
    judged(body)
    return time.process_time() - started
