"""Ways to break a valid history, each with the names under which it has to be found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, NamedTuple, TypeVar

from ops.prove.history import (
    Attempt,
    Event,
    History,
    Outcome,
    Record,
    Seen,
    Task,
    digest,
)
from schemas.partitioner import partition_for
from tests.histories import command

T = TypeVar("T")
Mutation = Callable[[History, Random], History]

NEVER_SENT = digest(b"nobody sent this")


class NotApplicable(Exception):
    """This history has nothing that could be broken in this way."""


class Breach(NamedTuple):
    """`apply` breaks a valid history so that `names` are found, all of them and nothing else."""

    apply: Mutation
    names: frozenset[str]


BREACHES: dict[str, Breach] = {}


def found_as(*names: str) -> Callable[[Mutation], Mutation]:
    def remember(apply: Mutation) -> Mutation:
        BREACHES[apply.__name__] = Breach(apply, frozenset(names))
        return apply

    return remember


# What can be broken.


def pick(dice: Random, candidates: Iterable[T]) -> T:
    if not (found := list(candidates)):
        raise NotApplicable
    return dice.choice(found)


def accepted(history: History) -> set[int]:
    return {each.event for each in history.attempts if each.outcome is Outcome.OK}


def good(history: History, numbers: set[int] | None = None) -> list[Event]:
    return [
        event
        for event in history.events
        if not event.poison and (numbers is None or event.number in numbers)
    ]


def poison(history: History, numbers: set[int]) -> list[Event]:
    return [event for event in history.events if event.poison and event.number in numbers]


def of(records: Sequence[Record], event: Event) -> list[Record]:
    return [record for record in records if record.digest == event.digest]


def event_of(history: History, record: Record) -> Event:
    return next(event for event in history.events if event.digest == record.digest)


def first_sent(history: History, event: Event) -> float:
    return min(each.started for each in history.attempts if each.event == event.number)


def later_copies(history: History) -> Iterator[Record]:
    for event in good(history):
        yield from of(history.raw, event)[1:]


def neighbours(history: History) -> Iterator[tuple[int, int, int]]:
    """Yield places in `live` of three readings in a row of one partition and session."""
    lanes: dict[tuple[str, int], list[int]] = {}
    for place, seen in enumerate(history.live):
        lanes.setdefault((seen.record.kind, seen.record.partition), []).append(place)
    for places in lanes.values():
        for three in zip(places, places[1:], places[2:], strict=False):
            one, two, last = (history.live[place] for place in three)
            if one.session == two.session == last.session:
                yield three


# How it is broken.


def with_all(
    history: History, change: Callable[[Record], Record | None], *, live: bool = True
) -> History:
    """Change or drop records, as both readers get them."""

    def each(records: Sequence[Record]) -> list[Record]:
        return [new for record in records if (new := change(record))]

    return replace(
        history,
        raw=each(history.raw),
        outputs=each(history.outputs),
        quarantine=each(history.quarantine),
        commands=each(history.commands),
        live=[replace(seen, record=new) for seen in history.live if (new := change(seen.record))]
        if live
        else history.live,
    )


def without(history: History, *records: Record) -> History:
    return with_all(history, lambda record: None if record in records else record)


def without_tasks(history: History, event: Event) -> History:
    kept = [task for task in history.tasks if task.recipient not in event.recipients]
    gone = {command(recipient) for recipient in event.recipients}
    others = with_all(history, lambda record: None if record.digest in gone else record)
    return replace(others, tasks=kept)


def swapped(history: History, old: Record, new: Record) -> History:
    return with_all(history, lambda record: new if record == old else record)


def end_of(records: Sequence[Record], kind: str, partition: int) -> int:
    lane = [each.offset for each in records if (each.kind, each.partition) == (kind, partition)]
    return max(lane, default=-1) + 1


def appended(records: Sequence[Record], record: Record) -> list[Record]:
    end = end_of(records, record.kind, record.partition)
    return [*records, replace(record, offset=end)]


def added(history: History, **more: Record) -> History:
    """Append one record to the named log, and let the live reader get it in a further session."""
    ((log, record),) = more.items()
    records = appended(getattr(history, log), record)
    changed: dict[str, Any] = {log: records}
    ended = max(it.ended for it in history.attempts)
    last = history.live[-1]
    reading = Seen(records[-1], max(ended, last.at), last.poll + 1, last.session + 1)
    return replace(history, **changed, live=[*history.live, reading])


def attempted(history: History, old: Attempt, new: Attempt) -> History:
    return replace(history, attempts=[new if it is old else it for it in history.attempts])


def ended(history: History, event: Event, status: int) -> History:
    """Let every 2xx of an event have been something else."""
    return replace(
        history,
        attempts=[
            replace(it, status=status)
            if it.event == event.number and it.outcome is Outcome.OK
            else it
            for it in history.attempts
        ],
    )


# I1


@found_as("lost-write")
def an_accepted_event_is_nowhere(history: History, dice: Random) -> History:
    event = pick(dice, good(history, accepted(history)))
    gone = of([*history.raw, *history.outputs], event)
    return without_tasks(without(history, *gone), event)


@found_as("lost-write")
def accepted_poison_is_nowhere(history: History, dice: Random) -> History:
    event = pick(dice, poison(history, accepted(history)))
    return without(history, *of([*history.raw, *history.quarantine], event))


@found_as("lost-copy")
def one_of_two_acknowledged_copies_is_gone(history: History, dice: Random) -> History:
    ok = [each.event for each in history.attempts if each.outcome is Outcome.OK]
    copies = (
        record
        for record in later_copies(history)
        if ok.count(event_of(history, record).number)
        == len(of(history.raw, event_of(history, record)))
    )
    return without(history, pick(dice, copies))


@found_as("unprocessed")
def an_accepted_event_does_not_come_out(history: History, dice: Random) -> History:
    event = pick(dice, good(history, accepted(history)))
    return without_tasks(without(history, *of(history.outputs, event)), event)


@found_as("unprocessed")
def accepted_poison_in_raw_is_not_set_aside(history: History, dice: Random) -> History:
    numbers = {event.number for event in poison(history, accepted(history))}
    aside = (
        record
        for record in history.quarantine
        if record.source and event_of(history, record).number in numbers
    )
    return without(history, pick(dice, aside))


def _one_left_out(history: History, dice: Random, *, same_poll: bool) -> History:
    one = pick(
        dice,
        (
            middle
            for before, middle, after in neighbours(history)
            if (history.live[before].poll == history.live[after].poll) is same_poll
        ),
    )
    return replace(history, live=[seen for n, seen in enumerate(history.live) if n != one])


@found_as("poll-skip")
def a_record_is_left_out_between_polls(history: History, dice: Random) -> History:
    return _one_left_out(history, dice, same_poll=False)


@found_as("int-poll-skip")
def a_record_is_left_out_within_a_poll(history: History, dice: Random) -> History:
    return _one_left_out(history, dice, same_poll=True)


@found_as("unseen")
def a_record_falls_between_sessions(history: History, dice: Random) -> History:
    read = [seen.record for seen in history.live]
    _, lost, after = pick(
        dice,
        (three for three in neighbours(history) if read.count(history.live[three[1]].record) == 1),
    )
    before = [seen for n, seen in enumerate(history.live[:after]) if n != lost]
    anew = [replace(seen, session=seen.session + 1) for seen in history.live[after:]]
    return replace(history, live=before + anew)


@found_as("unseen")
def the_live_reader_begins_too_late(history: History, dice: Random) -> History:
    late = pick(dice, (seen.record for seen in history.live if seen.record.offset == 0))
    return replace(history, live=[seen for seen in history.live if seen.record != late])


@found_as("unseen")
def the_live_reader_forgets_a_partition(history: History, dice: Random) -> History:
    lost = pick(dice, history.live).record
    lane = (lost.kind, lost.partition)
    others = [it for it in history.live if (it.record.kind, it.record.partition) != lane]
    return replace(history, live=others)


# I2


@found_as("corrupt")
def raw_holds_a_body_nobody_sent(history: History, dice: Random) -> History:
    alike = pick(dice, history.raw)
    return added(history, raw=replace(alike, digest=NEVER_SENT))


@found_as("corrupt", "unprocessed")
def a_body_is_encoded_anew_on_its_way_out(history: History, dice: Random) -> History:
    event = pick(dice, good(history, accepted(history)))
    (output,) = of(history.outputs, event)
    broken = swapped(history, output, replace(output, digest=NEVER_SENT))
    return without_tasks(broken, event)


@found_as("corrupt")
def the_quarantine_holds_a_body_nobody_sent(history: History, dice: Random) -> History:
    alike = pick(dice, history.quarantine)
    strange = replace(alike, digest=NEVER_SENT, source=None)
    return added(history, quarantine=strange)


@found_as("inconsistent-offsets")
def the_two_readers_differ(history: History, dice: Random) -> History:
    place = pick(dice, range(len(history.live)))
    seen = history.live[place]
    other = pick(
        dice,
        (
            record
            for record in history.raw
            if record.digest != seen.record.digest
            and first_sent(history, event_of(history, record)) < seen.at
        ),
    )
    live = list(history.live)
    live[place] = replace(seen, record=replace(seen.record, digest=other.digest))
    return replace(history, live=live)


@found_as("inconsistent-offsets")
def an_offset_is_taken_twice(history: History, dice: Random) -> History:
    copy = pick(dice, later_copies(history))
    taken = pick(
        dice,
        (
            record
            for record in history.raw
            if record.partition == copy.partition and record.digest != copy.digest
        ),
    )
    return replace(history, raw=[*history.raw, replace(copy, offset=taken.offset)])


# I3


@found_as("duplicate")
def an_event_comes_out_twice(history: History, dice: Random) -> History:
    return added(history, outputs=pick(dice, history.outputs))


@found_as("duplicate")
def a_raw_record_is_set_aside_twice(history: History, dice: Random) -> History:
    record = pick(dice, (record for record in history.quarantine if record.source))
    return added(history, quarantine=record)


def _read_beyond_the_end(history: History, record: Record) -> History:
    """Let the live reader get it behind everything, in a session of its own."""
    log = [*history.raw, *history.outputs]
    new = replace(record, offset=end_of(log, record.kind, record.partition))
    read = {seen.record for seen in history.live}
    lane = [each for each in log if (each.kind, each.partition) == (new.kind, new.partition)]
    if not read.issuperset(lane):
        raise NotApplicable
    last = history.live[-1]
    return replace(history, live=[*history.live, Seen(new, last.at, last.poll, last.session + 1)])


@found_as("duplicate", "aborted-read")
def the_live_reader_sees_what_was_taken_back_and_repeated(
    history: History, dice: Random
) -> History:
    return _read_beyond_the_end(history, pick(dice, history.outputs))


@found_as("aborted-read")
def raw_loses_what_was_read(history: History, dice: Random) -> History:
    return _read_beyond_the_end(history, pick(dice, history.raw))


@found_as("aborted-read")
def an_event_is_taken_back_after_it_was_read(history: History, dice: Random) -> History:
    read = {seen.record for seen in history.live}
    event = pick(dice, good(history, accepted(history)))
    if not read.issuperset(outputs := of(history.outputs, event)):
        raise NotApplicable
    broken = replace(history, outputs=[each for each in history.outputs if each not in outputs])
    raw = of(history.raw, event)
    # Nothing else is wrong with an event that was never sent to be kept.
    return without_tasks(ended(without(broken, *raw), event, 503), event)


# I4


@found_as("inversion")
def two_events_come_out_in_the_wrong_order(history: History, dice: Random) -> History:
    one, two = pick(
        dice,
        (
            (one, two)
            for n, one in enumerate(history.outputs)
            for two in history.outputs[n + 1 :]
            if (one.kind, one.partition, one.key) == (two.kind, two.partition, two.key)
        ),
    )
    exchanged = {
        one: replace(one, digest=two.digest),
        two: replace(two, digest=one.digest),
    }
    # Without a live reader, who might get the later one before it was sent.
    return replace(
        history, outputs=[exchanged.get(each, each) for each in history.outputs], live=()
    )


@found_as("nonmonotonic-send")
def an_event_was_answered_before_another_and_lies_behind_it(
    history: History, dice: Random
) -> History:
    firsts = [of(history.raw, event)[0] for event in good(history) if of(history.raw, event)]
    early, late = pick(
        dice,
        (
            (event_of(history, early), event_of(history, late))
            for early in firsts
            for late in firsts
            if early.offset < late.offset and early.key == late.key
            if event_of(history, late).number in accepted(history)
        ),
    )
    answered = max(it.ended for it in history.attempts if it.event == late.number)
    shift = answered - first_sent(history, early) + 0.1
    moved = [
        replace(it, started=it.started - shift, ended=it.ended - shift)
        if it.event == late.number
        else it
        for it in history.attempts
    ]
    return replace(history, attempts=moved)


def _read_again(history: History, dice: Random, polls_on: int) -> History:
    last = history.live[-1]
    lane = (last.record.kind, last.record.partition)
    again = pick(
        dice,
        (
            seen
            for seen in history.live
            if seen.session == last.session and (seen.record.kind, seen.record.partition) == lane
        ),
    )
    reading = replace(again, at=last.at, poll=last.poll + polls_on)
    return replace(history, live=[*history.live, reading])


@found_as("nonmonotonic-poll")
def a_poll_goes_back(history: History, dice: Random) -> History:
    return _read_again(history, dice, 1)


@found_as("int-nonmonotonic-poll")
def offsets_go_back_within_a_poll(history: History, dice: Random) -> History:
    return _read_again(history, dice, 0)


# I5


@found_as("unbalanced")
def an_event_without_an_answer_does_not_come_out(history: History, dice: Random) -> History:
    event = pick(dice, (event_of(history, record) for record in history.outputs))
    broken = without(history, *of(history.outputs, event))
    return ended(without_tasks(broken, event), event, 503)


@found_as("unbalanced")
def poison_without_an_answer_is_not_set_aside(history: History, dice: Random) -> History:
    record = pick(dice, (record for record in history.quarantine if record.source))
    return ended(without(history, record), event_of(history, record), 503)


@found_as("phantom")
def an_event_comes_out_that_never_went_in(history: History, dice: Random) -> History:
    alike = pick(dice, history.outputs)
    event = replace(event_of(history, alike), number=9999, digest=NEVER_SENT, recipients=())
    broken = replace(history, events=[*history.events, event])
    return added(broken, outputs=replace(alike, digest=NEVER_SENT))


@found_as("phantom")
def raw_holds_what_was_never_sent(history: History, dice: Random) -> History:
    event = event_of(history, pick(dice, history.raw))
    sent = [it for it in history.attempts if it.event != event.number]
    return replace(history, attempts=sent)


@found_as("phantom")
def poison_comes_out_as_an_event(history: History, dice: Random) -> History:
    alike = pick(dice, history.outputs)
    event = pick(dice, poison(history, accepted(history)))
    return added(history, outputs=replace(alike, digest=event.digest))


@found_as("phantom")
def poison_is_set_aside_from_where_it_is_not(history: History, dice: Random) -> History:
    record = pick(dice, history.quarantine)
    astray = replace(record, source=(record.partition, 10_000))
    return added(history, quarantine=astray)


@found_as("phantom")
def an_ingress_sets_aside_what_it_never_got(history: History, dice: Random) -> History:
    got = {it.event for it in history.attempts if it.route != "kafka"}
    numbers = {event.number for event in history.events} - got
    event = pick(dice, poison(history, numbers))
    record = Record("quarantine", 0, 0, event.digest, None)
    return added(history, quarantine=record)


@found_as("premature-read")
def a_body_is_read_before_it_was_sent(history: History, dice: Random) -> History:
    bodies = {event.digest for event in history.events}
    place = pick(dice, (at for at, seen in enumerate(history.live) if seen.record.digest in bodies))
    live = list(history.live)
    sent = first_sent(history, event_of(history, live[place].record))
    live[place] = replace(live[place], at=sent - 0.1)
    return replace(history, live=live)


# I6 and I7


@found_as("refused-good")
def a_signed_call_is_refused(history: History, dice: Random) -> History:
    attempt = pick(dice, (it for it in history.attempts if it.outcome is Outcome.FAIL))
    status = dice.choice((100, 302, 400, 401, 404, 413, 429, 500, 502, 504))
    return attempted(history, attempt, replace(attempt, status=status))


@found_as("quarantined-good")
def a_good_event_is_set_aside(history: History, dice: Random) -> History:
    got = {it.event for it in history.attempts if it.route != "kafka"}
    event = pick(dice, good(history, got))
    key = event.tenant.encode()
    home = partition_for(key, history.partitions)
    record = Record("quarantine", home, 0, event.digest, key)
    return added(history, quarantine=record)


@found_as("never-accepted")
def an_event_is_refused_to_the_last(history: History, dice: Random) -> History:
    never = {each.number for each in history.events} - accepted(history)
    number = pick(dice, sorted(never))
    healed = max(strike.healed or 0.0 for strike in history.strikes)
    last = Attempt(number, "ingress-1", healed + 60.1, healed + 60.2, dice.choice((503, None)))
    return replace(history, attempts=[*history.attempts, last])


@found_as("late-answer")
def an_answer_comes_late(history: History, dice: Random) -> History:
    attempt = pick(dice, (it for it in history.attempts if it.status and it.route != "kafka"))
    return attempted(history, attempt, replace(attempt, started=attempt.ended - 3.1))


@found_as("late-answer")
def an_answer_does_not_come(history: History, dice: Random) -> History:
    attempt = pick(dice, (it for it in history.attempts if not it.status and it.route != "kafka"))
    return attempted(history, attempt, replace(attempt, started=attempt.ended - 5.0))


# I8 and I9


@found_as("stuck")
def a_stage_is_behind(history: History, dice: Random) -> History:
    return replace(history, lag={**history.lag, pick(dice, history.lag): 3})


@found_as("hanging-transaction")
def a_transaction_is_left_open(history: History, dice: Random) -> History:
    end = pick(dice, history.ends)
    hanging = replace(end, stable=end.high - 1)
    return replace(history, ends=[hanging if it is end else it for it in history.ends])


@found_as("missing-task")
def a_task_is_missing(history: History, dice: Random) -> History:
    task = pick(dice, history.tasks)
    return replace(history, tasks=[it for it in history.tasks if it is not task])


@found_as("double-task")
def a_recipient_has_two_tasks(history: History, dice: Random) -> History:
    task = pick(dice, history.tasks)
    key = dice.choice((task.key, "another key"))
    return replace(history, tasks=[*history.tasks, replace(task, key=key)])


@found_as("double-command")
def a_command_is_in_its_topic_twice(history: History, dice: Random) -> History:
    return added(history, commands=pick(dice, history.commands))


@found_as("unexpected-task")
def a_stranger_has_a_task(history: History, dice: Random) -> History:
    tenant = pick(dice, good(history)).tenant
    return replace(history, tasks=[*history.tasks, Task("key", tenant, "stranger@example.com")])


@found_as("unexpected-task")
def an_undelivered_event_has_tasks(history: History, dice: Random) -> History:
    event = pick(dice, (event for event in good(history) if event.recipients))
    gone = of([*history.raw, *history.outputs], event)
    broken = ended(without(history, *gone), event, 503)
    if len(event.recipients) == len(history.tasks) or not gone:
        raise NotApplicable
    return broken


@found_as("dead-task")
def a_command_is_given_up(history: History, dice: Random) -> History:
    tenant = pick(dice, good(history)).tenant
    return added(history, dead=Record("task.dead", 0, 0, NEVER_SENT, tenant.encode()))


# I10


@found_as("cross-tenant")
def a_record_is_under_another_tenant(history: History, dice: Random) -> History:
    known = {event.digest for event in good(history)}
    record = pick(dice, (it for it in [*history.raw, *history.outputs] if it.digest in known))
    strangers = (b"stranger-%d" % number for number in count())
    key = next(it for it in strangers if partition_for(it, history.partitions) == record.partition)
    return swapped(history, record, replace(record, key=key))


@found_as("cross-tenant")
def a_task_is_under_another_tenant(history: History, dice: Random) -> History:
    task = pick(dice, history.tasks)
    astray = replace(task, tenant="another")
    return replace(history, tasks=[astray if it is task else it for it in history.tasks])


@found_as("misplaced")
def an_output_is_in_another_partition(history: History, dice: Random) -> History:
    record = pick(dice, history.outputs)
    elsewhere = replace(record, partition=(record.partition + 1) % history.partitions)
    others = [it for it in history.outputs if it is not record]
    return replace(history, outputs=appended(others, elsewhere), live=())


@found_as("misplaced")
def a_quarantined_record_is_in_another_partition(history: History, dice: Random) -> History:
    record = pick(dice, history.quarantine)
    strangers = (b"stranger-%d" % number for number in count())
    key = next(it for it in strangers if partition_for(it, history.partitions) != record.partition)
    return swapped(history, record, replace(record, key=key))


@found_as("misrouted")
def an_event_is_in_another_types_topic(history: History, dice: Random) -> History:
    record = pick(dice, history.outputs)
    elsewhere = replace(record, kind="event.UserCreatedV1", offset=0)
    outputs = [elsewhere if it is record else it for it in history.outputs]
    return replace(history, outputs=outputs, live=())
