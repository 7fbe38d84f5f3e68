"""Whatever the bytes, they are stored as they came, and only if they were signed."""

import asyncio
import json
import time
from itertools import pairwise

from hypothesis import Phase, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from starlette.types import Message

from ingress import answers
from ingress.answers import Answer
from ingress.body import Body
from ingress.budget import Budget
from ingress.judge import Judge
from ingress.kafka_sink import kafka_sink
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.record import Call, Record
from ingress.settings import ROOM_FOR_HEADERS
from schemas.envelope import MAX_NAME
from schemas.topics import Topics
from tests.ingress_rig import SECRET, event, on_kafka, records, sign, until
from tests.kafka_fixture import RunningKafka

JUDGE = Judge(Keyring([SECRET]), Topics(), legacy_tenant="legacy", allow_unsigned=False)

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {"id": texts | values, "tenantId": texts | values},
    optional={"version": texts, "type": texts, "data": values, "occurredAt": texts},
)
bodies = st.binary(max_size=300) | st.one_of(envelopes, values).map(
    lambda value: json.dumps(value).encode()
)


NOW_MS = int(time.time() * 1000)


def signed(body: bytes) -> Answer | Record:
    return JUDGE(Call(body, (sign(body).encode(),)), NOW_MS)


@given(bodies)
def test_a_signed_body_is_stored_byte_for_byte_or_is_a_verification(body: bytes) -> None:
    verdict = signed(body)
    if isinstance(verdict, Answer):
        assert verdict.name == "verification"
    else:
        assert verdict.value == body
        assert verdict.answer.status < 300
        assert verdict.topic in {"seismic.raw", "seismic.quarantine", "seismic.lifecycle"}


@given(bodies, st.binary(max_size=80))
def test_nothing_is_stored_without_the_right_signature(body: bytes, signature: bytes) -> None:
    verdict = JUDGE(Call(body, (signature,)), 1)
    assert isinstance(verdict, Answer)
    assert verdict is answers.UNSIGNED or verdict.name == "verification"


@given(bodies, st.data())
def test_no_altered_byte_passes(body: bytes, data: st.DataObject) -> None:
    altered = bytearray(body or b"x")
    position = data.draw(st.integers(0, len(altered) - 1))
    altered[position] ^= data.draw(st.integers(1, 255))
    signature = sign(body or b"x").encode()
    assert JUDGE(Call(bytes(altered), (signature,)), 1) is answers.UNSIGNED


names = st.text(min_size=1, max_size=MAX_NAME)


@example("\U0001f600" * MAX_NAME, "\U0001f600" * MAX_NAME, "\U0001f600" * MAX_NAME)
@given(names, names, names)
def test_names_of_any_kind_leave_room_for_the_body_in_a_record(
    tenant: str, event_id: str, kind: str
) -> None:
    body = json.dumps({"id": event_id, "tenantId": tenant, "type": kind}).encode()
    verdict = signed(body)
    assert isinstance(verdict, Record)
    size = sum(len(name) + len(value) + 10 for name, value in verdict.headers)
    assert size + len(verdict.key or b"") < ROOM_FOR_HEADERS


@given(
    body=st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 200)),
    limit=st.integers(1, 150),
    announces=st.booleans(),
)
def test_a_body_is_read_alike_however_it_is_cut(
    *, body: bytes, cuts: list[int], limit: int, announces: bool
) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
        for number, piece in enumerate(pieces)
    ]

    async def receive() -> Message:
        return messages.pop(0)

    announced = len(body) if announces and len(body) <= limit else 0

    async def read() -> bytes | Answer:
        try:
            return await Body(receive).read(announced, limit, budget)
        except answers.Rejected as rejected:
            return rejected.answer

    budget = Budget(1, limit)
    expected = body if len(body) <= limit else answers.TOO_LARGE
    assert asyncio.run(read()) == expected
    assert (budget.records, budget.bytes) == (0, 0)


# Not shrunk: each example is topics of its own and a few hundred records.
@effort(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(bodies, min_size=50, max_size=200))
def test_kafka_holds_the_bytes_that_were_sent(kafka: RunningKafka, sent: list[bytes]) -> None:
    verdicts = [signed(body) for body in [*sent, event()]]
    asyncio.run(_stored_alike(kafka, [each for each in verdicts if isinstance(each, Record)]))


async def _stored_alike(kafka: RunningKafka, given: list[Record]) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    topics = chosen.topics()
    moved = {"seismic.raw": topics.raw, "seismic.quarantine": topics.quarantine}
    given = [each._replace(topic=moved[each.topic].name) for each in given]
    async with kafka_sink(chosen, Metrics()) as sink:
        await until(lambda: sink.trouble() is None)
        deadline = asyncio.get_running_loop().time() + 2.5
        await asyncio.gather(*(sink.store(each, deadline) for each in given))
    for topic in (topics.raw.name, topics.quarantine.name):
        found = await records(chosen, topic)
        wanted = [each for each in given if each.topic == topic]
        assert sorted(each.value for each in found) == sorted(each.value for each in wanted)
        by_value = {each.value: each for each in wanted}
        for each in found:
            assert list(each.headers) == by_value[each.value].headers
            assert each.key == by_value[each.value].key
