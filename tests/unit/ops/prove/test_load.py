"""The load: the same for a seed, of the shares it promises, and what it says will come of it."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from aiokafka import ConsumerRecord

from ops.prove.history import Event, digest
from ops.prove.load import EMAILS, NAMESAKES, NEAR, PLANTED, POISON, RESENT, TENANTS, Workload
from schemas import envelope
from schemas.reasons import Malformed, Reason
from schemas.task import TaskCommand
from schemas.topics import Topics
from streams import dedup, followup
from streams.rules.book import RuleBook

MANY = 20_000
LOAD = Workload(seed=4, events=MANY, name="a1")
EVENTS = [LOAD.event(number) for number in range(MANY)]


def record(number: int, topic: str = "seismic.raw") -> ConsumerRecord:
    tenant = EVENTS[number].tenant.encode() or None
    return ConsumerRecord(
        topic=topic,
        partition=0,
        offset=number,
        timestamp=1_772_000_000_000,
        timestamp_type=0,
        key=tenant,
        value=LOAD.body(number),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=(),
    )


def test_it_is_the_same_again_and_from_anywhere() -> None:
    again = Workload(seed=4, events=MANY, name="a1")
    assert [again.event(number) for number in (19_999, 7, 0)] == [
        EVENTS[19_999],
        EVENTS[7],
        EVENTS[0],
    ]
    assert [again.body(number) for number in (19_999, 7)] == [LOAD.body(19_999), LOAD.body(7)]
    assert list(again.deliveries()) == list(LOAD.deliveries())


def test_another_seed_is_another_load() -> None:
    other = Workload(seed=5, events=MANY, name="a1")
    assert [other.event(number).type for number in range(100)] != [e.type for e in EVENTS[:100]]
    assert list(other.deliveries()) != list(LOAD.deliveries())


def test_another_name_is_the_same_load_with_other_ids_tenants_and_addresses() -> None:
    other = Workload(seed=4, events=MANY, name="b2")
    renamed = [other.event(number) for number in range(2_000)]
    assert [event.type for event in renamed] == [event.type for event in EVENTS[:2_000]]
    assert list(other.deliveries()) == list(LOAD.deliveries())
    assert not {e.tenant for e in renamed} & {e.tenant for e in EVENTS} - {""}
    assert not {e.event_id for e in renamed} & {e.event_id for e in EVENTS} - {""}
    assert not {a for e in renamed for a in e.recipients} & {
        a for e in EVENTS for a in e.recipients
    }


@pytest.mark.parametrize("name", ["", "A1", "a 1", "a" * 33])
def test_a_name_that_would_not_survive_an_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        Workload(seed=1, events=1, name=name)


def test_every_digest_is_that_of_the_body_and_no_two_are_the_same() -> None:
    assert all(event.digest == digest(LOAD.body(event.number)) for event in EVENTS[:2_000])
    assert len({event.digest for event in EVENTS}) == MANY
    assert 400 < sum(len(LOAD.body(number)) for number in range(1_000)) / 1_000 < 700


def test_whoever_parses_a_body_and_writes_it_anew_has_other_bytes() -> None:
    bodies = [LOAD.body(event.number) for event in EVENTS[:500] if not event.poison]
    for body in bodies:
        parsed = json.loads(body)
        for separators in ((",", ":"), (", ", ": ")):
            for ascii_only in (True, False):
                anew = json.dumps(parsed, separators=separators, ensure_ascii=ascii_only)
                assert anew.encode() != body.strip()


def test_shares_are_as_promised() -> None:
    kinds = Counter(event.type for event in EVENTS)
    planted = sum(LOAD.planted(number) for number in range(MANY))
    assert kinds[""] == sum(event.poison for event in EVENTS)
    assert kinds[""] / MANY == pytest.approx(POISON, rel=0.3)
    assert planted / MANY == pytest.approx(PLANTED, rel=0.5)
    assert kinds["email-v3"] / MANY == pytest.approx(EMAILS, rel=0.2)
    assert kinds["Other"] > 1_000
    assert len(kinds) == 9


def test_what_is_planted_is_poison() -> None:
    assert all(EVENTS[number].poison for number in range(MANY) if LOAD.planted(number))


def test_few_tenants_have_most_of_it() -> None:
    tenants = Counter(event.tenant for event in EVENTS if not event.poison)
    counts = [count for _, count in tenants.most_common()]
    assert len(tenants) == TENANTS
    assert 0.14 < counts[0] / MANY < 0.2
    assert sum(counts[:20]) > MANY / 2
    assert all(more >= less for more, less in pairwise(counts))


def test_the_deduplication_decides_what_the_event_says() -> None:
    topics = Topics()
    for number, event in enumerate(EVENTS[:5_000]):
        [output] = dedup.decide([record(number)], set(), topics, "legacy").outputs
        expected = topics.quarantine.name if event.poison else topics.events[event.type].name
        assert output.topic == expected
        assert digest(output.value) == event.digest


def test_the_envelope_is_what_the_event_says_and_poison_is_no_json() -> None:
    for event in EVENTS[:5_000]:
        body = LOAD.body(event.number)
        if event.poison:
            with pytest.raises(Malformed) as malformed:
                envelope.read(body, legacy_tenant="legacy")
            assert malformed.value.reason is Reason.NOT_JSON
        else:
            read = envelope.read(body, legacy_tenant="legacy")
            assert (read.tenant_id, read.event_id) == (event.tenant, event.event_id)


def test_recipients_are_those_who_get_a_command() -> None:
    emails = [event for event in EVENTS if event.type == "email-v3"]
    assert {len(event.recipients) for event in emails} == {1, 2, 3}
    for event in emails:
        decision = followup.decide(
            [record(event.number, "seismic.event.email-v3")], Topics(), RuleBook(), "legacy"
        )
        commands = [TaskCommand.decode(output.value) for output in decision.outputs]
        assert tuple(command.recipient.email for command in commands) == event.recipients
        assert {command.tenant_id for command in commands} == {event.tenant}


def test_no_address_and_no_id_of_a_tenant_belongs_to_two_events() -> None:
    addresses = [address for event in EVENTS for address in event.recipients]
    ids = [(event.tenant, event.event_id) for event in EVENTS if not event.poison]
    assert len(set(addresses)) == len(addresses)
    assert len(set(ids)) == len(ids)
    assert all(not event.recipients for event in EVENTS if event.type != "email-v3")


def test_some_have_the_id_of_another_tenants_event_and_are_no_copies_of_it() -> None:
    by_id: dict[str, list[Event]] = {}
    for event in EVENTS:
        if not event.poison:
            by_id.setdefault(event.event_id, []).append(event)
    pairs = [(one, other[0]) for one, *other in by_id.values() if other]
    assert len(pairs) / MANY == pytest.approx(NAMESAKES, rel=0.2)
    assert max(map(len, by_id.values())) == 2
    for pair in pairs[:200]:
        assert pair[0].tenant != pair[1].tenant
        records = [record(event.number) for event in pair]
        assert len(dedup.decide(records, set(), Topics(), "legacy").outputs) == 2


def test_every_event_is_sent_in_order_and_a_fifth_again_near_and_far() -> None:
    seen: set[int] = set()
    distances = []
    for number in LOAD.deliveries():
        if number in seen:
            distances.append(len(seen) - 1 - number)
        else:
            assert number == len(seen)
            seen.add(number)
    near = sum(distance < NEAR for distance in distances)
    assert len(seen) == MANY
    assert len(distances) / MANY == pytest.approx(RESENT, rel=0.05)
    assert near / len(distances) == pytest.approx(0.5, rel=0.1)
    assert max(distances) > MANY / 2
    assert min(distances) == 0


def test_what_is_planted_is_sent_once() -> None:
    times = Counter(LOAD.deliveries())
    assert {times[number] for number in range(MANY) if LOAD.planted(number)} == {1}
