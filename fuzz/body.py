"""A signed body's way, from the request to the task commands: nothing on it may raise or lose."""

import hashlib
import hmac
from http import HTTPStatus

from aiokafka import ConsumerRecord

from ingress.answers import Answer
from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.record import Call, Record
from ingress.settings import ROOM_FOR_HEADERS
from schemas.names import CONTROL_CHARACTER
from schemas.partitioner import partition_for
from schemas.topics import DEFAULT_PARTITIONS, Topics
from streams import dedup, followup
from streams.rules.book import RuleBook

SECRET = "a-secret-for-fuzzing"
TOPICS = Topics()
RULES = RuleBook()
LEGACY_TENANT = "legacy"
NOW_MS = 1_800_000_000_000
_JUDGE = Judge(Keyring([SECRET]), TOPICS, legacy_tenant=LEGACY_TENANT, allow_unsigned=False)
_TOPICS = {topic.name: topic for topic in TOPICS}


def check(body: bytes) -> None:
    """Follow one body.

    Raises:
        AssertionError: what comes out breaks a promise. Whatever else is raised is a bug, too.
    """
    verdict = _JUDGE(Call(body, (_signature(body),)), NOW_MS)
    if isinstance(verdict, Answer):
        assert verdict.status == HTTPStatus.OK, "a signed body is stored, or is a verification"
        return
    _sound(verdict, body)
    decided = dedup.decide([_read(verdict)], (), TOPICS, LEGACY_TENANT)
    (output,) = decided.outputs
    assert output.value == body
    if verdict.topic == TOPICS.raw.name:
        assert not decided.quarantined, "the ingress took for an event what the streams do not"
        assert output.key == verdict.key
    assert dedup.decide([_read(verdict)], decided.marks, TOPICS, LEGACY_TENANT).duplicates == len(
        decided.marks
    )
    followup.decide([_read(verdict)], TOPICS, RULES, LEGACY_TENANT)


def _signature(body: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), body, hashlib.sha256).hex().encode()


def _sound(record: Record, body: bytes) -> None:
    assert record.value is body, "the bytes are stored as they came"
    assert record.topic in _TOPICS
    size = len(record.key or b"") + sum(len(name) + len(value) for name, value in record.headers)
    assert size < ROOM_FOR_HEADERS
    for _, value in record.headers:
        assert not CONTROL_CHARACTER.search(value.decode()), "one line"
    if record.key:
        assert 0 <= partition_for(record.key, DEFAULT_PARTITIONS) < DEFAULT_PARTITIONS


def _read(record: Record) -> ConsumerRecord:
    """Return the record as a consumer has it."""
    return ConsumerRecord(
        topic=record.topic,
        partition=0,
        offset=0,
        timestamp=record.timestamp_ms,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=len(record.key or b""),
        serialized_value_size=len(record.value),
        headers=record.headers,
    )
