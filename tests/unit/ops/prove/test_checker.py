"""What the names mean where it is subtle: unknown outcomes, redeliveries, sessions, clocks."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from ops.prove.checker import INVARIANTS, MOST_EXAMPLES, books, check, void_reasons
from ops.prove.history import Attempt, End, Event, History, Record, Seen, Strike, digest
from tests.histories import valid

KEY = b"tenant-0"


def event(number: int) -> Event:
    return Event(number, digest(b"%d" % number), "tenant-0", f"id-{number}", "Other")


def poison(number: int) -> Event:
    return Event(number, digest(b"%d" % number))


def sent(number: int, at: float = 0.0, status: int | None = 200, route: str = "i") -> Attempt:
    return Attempt(number, route, at, at + 0.5, status)


def raw(*numbers: int) -> list[Record]:
    return lane("raw", *enumerate(numbers))


def out(*numbers: int) -> list[Record]:
    return lane("event.Other", *enumerate(numbers))


def lane(kind: str, *placed: tuple[int, int]) -> list[Record]:
    return [Record(kind, 0, offset, digest(b"%d" % number), KEY) for offset, number in placed]


def live(records: Iterable[Record], poll: int = 1, session: int = 0) -> list[Seen]:
    return [Seen(record, 9.0, poll, session) for record in records]


EVENTS = [event(number) for number in range(5)]
QUIET = History(1, EVENTS, strikes=[Strike("kill worker", "worker-1", 0.0)])
"""Its fault is never healed: whatever is not accepted has its reason."""


def names(history: History) -> set[str]:
    return {finding.name for finding in check(history)}


def test_what_was_not_answered_2xx_may_be_stored_or_not() -> None:
    attempts = [
        sent(0, status=None),
        sent(1, status=503),
        sent(2, status=None),
        sent(3, status=503),
    ]
    assert not names(replace(QUIET, attempts=attempts, raw=raw(0, 1), outputs=out(0, 1)))


def test_a_refused_attempt_does_not_stand_in_for_an_accepted_one() -> None:
    attempts = [sent(0), sent(0, 1.0, status=503)]
    assert names(replace(QUIET, attempts=attempts)) == {"lost-write"}


def test_each_2xx_wants_a_copy_of_its_own() -> None:
    attempts = [sent(0), sent(0, 1.0), sent(0, 2.0, status=None)]
    once = replace(QUIET, attempts=attempts, raw=raw(0), outputs=out(0))
    assert names(once) == {"lost-copy"}
    assert not names(replace(once, raw=raw(0, 0)))
    assert not names(replace(once, raw=raw(0, 0, 0)))


def test_poison_answered_by_an_ingress_belongs_into_the_quarantine() -> None:
    history = History(1, [poison(0)], [sent(0)])
    aside = Record("quarantine", 0, 0, digest(b"0"), None)
    assert names(history) == {"lost-write"}
    assert not names(replace(history, quarantine=[aside]))


def test_each_copy_of_poison_in_raw_is_set_aside_for_itself() -> None:
    attempts = [sent(0, route="kafka"), sent(0, 1.0, route="kafka")]
    history = History(1, [poison(0)], attempts, raw(0, 0))
    aside = Record("quarantine", 0, 0, digest(b"0"), KEY, source=(0, 0))
    other = replace(aside, offset=2, source=(0, 1))
    assert names(replace(history, quarantine=[aside])) == {"unprocessed"}
    assert not names(replace(history, quarantine=[aside, other]))


def test_what_the_quarantine_took_from_raw_is_no_second_copy() -> None:
    attempts = [sent(0, route="kafka"), sent(0, 1.0, route="kafka")]
    aside = Record("quarantine", 0, 0, digest(b"0"), KEY, source=(0, 0))
    history = History(1, [poison(0)], attempts, raw(0), quarantine=[aside])
    assert names(history) == {"lost-copy"}


def test_a_good_event_that_an_ingress_set_aside_is_lost() -> None:
    aside = Record("quarantine", 0, 0, digest(b"0"), KEY)
    history = replace(QUIET, attempts=[sent(0)], quarantine=[aside])
    assert names(history) == {"lost-write", "quarantined-good"}


def test_a_quarantined_record_has_the_bytes_of_its_source() -> None:
    attempts = [sent(0, route="kafka"), sent(1, route="kafka")]
    aside = Record("quarantine", 0, 0, digest(b"0"), KEY, source=(0, 0))
    other = Record("quarantine", 0, 1, digest(b"1"), KEY, source=(0, 1))
    history = History(1, [poison(0), poison(1)], attempts, raw(0, 1), quarantine=[aside, other])
    assert not names(history)
    crossed = [replace(aside, digest=other.digest), replace(other, digest=aside.digest)]
    assert names(replace(history, quarantine=crossed)) == {"phantom"}


def test_order_counts_from_first_occurrences() -> None:
    attempts = [sent(0), sent(1), sent(0, 1.0)]
    history = replace(QUIET, attempts=attempts, raw=raw(0, 1, 0), outputs=out(0, 1))
    assert not names(history)
    assert names(replace(history, outputs=out(1, 0))) == {"inversion"}


def test_types_have_no_order_between_them() -> None:
    events = [event(0), replace(event(1), type="email-v3")]
    outputs = lane("event.email-v3", (0, 1)) + lane("event.Other", (0, 0))
    assert not names(History(1, events, [sent(0), sent(1)], raw(0, 1), outputs))


def test_sends_that_overlap_have_no_order() -> None:
    history = replace(QUIET, raw=raw(1, 0), outputs=out(1, 0))
    assert not names(replace(history, attempts=[sent(0, 0.0), sent(1, 0.4)]))
    assert names(replace(history, attempts=[sent(0, 0.0), sent(1, 0.6)])) == {"nonmonotonic-send"}


def test_a_resend_of_the_later_event_does_not_excuse_it() -> None:
    attempts = [sent(0, 0.0), sent(1, 0.6, status=None), sent(1, 2.0)]
    history = replace(QUIET, raw=raw(1, 0, 1), outputs=out(1, 0), attempts=attempts)
    assert names(history) == {"nonmonotonic-send"}


def test_the_first_answer_counts_not_that_of_a_resend() -> None:
    attempts = [sent(0, 0.0), sent(1, 1.0), sent(0, 5.0)]
    history = replace(QUIET, raw=raw(1, 0, 0), outputs=out(1, 0), attempts=attempts)
    assert names(history) == {"nonmonotonic-send"}


def test_the_furthest_of_the_answered_counts_not_the_latest() -> None:
    attempts = [sent(0, 0.0), sent(1, 0.1), sent(2, 1.0)]
    history = replace(QUIET, raw=raw(1, 2, 0), outputs=out(1, 2, 0), attempts=attempts)
    assert names(history) == {"nonmonotonic-send"}


def test_an_event_stored_by_an_attempt_before_the_others_answer_may_lie_first() -> None:
    attempts = [sent(1, 0.0, status=None), sent(0, 0.2), sent(1, 2.0)]
    history = replace(QUIET, raw=raw(1, 0, 1), outputs=out(1, 0), attempts=attempts)
    assert not names(history)


READ = replace(
    QUIET,
    attempts=[sent(number) for number in range(5)],
    raw=raw(0, 1, 2, 3, 4),
    outputs=lane("event.Other", (0, 0), (1, 1), (5, 2), (6, 3), (8, 4)),
)


def read_as(*readings: list[Seen]) -> History:
    """All of raw, and of the outputs what is given."""
    return replace(READ, live=[*live(READ.raw, poll=0), *chain(*readings)])


def test_offsets_that_hold_no_record_are_not_left_out() -> None:
    assert not names(read_as(live(READ.outputs)))


def test_a_reader_that_ends_early_did_not_see_the_rest() -> None:
    (finding,) = check(read_as(live(READ.outputs[:3])))
    assert (finding.name, finding.count) == ("unseen", 2)


def test_a_partition_that_the_live_reader_never_got_is_not_passed_over() -> None:
    history = read_as()
    (finding,) = check(history)
    assert (finding.name, finding.count) == ("unseen", len(READ.outputs))
    books_of = {each.sentence: (each.left, each.right) for each in books(history)}
    assert books_of["records the live reader saw = records in the log"] == (5, 10)


def test_a_new_session_may_read_again_but_not_begin_behind() -> None:
    first = live(READ.outputs[:3])
    assert not names(read_as(first, live(READ.outputs[1:], 2, session=1)))
    assert names(read_as(first, live(READ.outputs[4:], 2, session=1))) == {"unseen"}


def test_a_session_may_not_leave_out_what_an_earlier_one_has_read() -> None:
    again = [READ.outputs[0], READ.outputs[2]]
    history = read_as(live(READ.outputs), live(again, 2, session=1))
    assert names(history) == {"int-poll-skip"}


def test_a_place_that_is_read_twice_is_no_duplicate() -> None:
    history = read_as(live(READ.outputs), live(READ.outputs[-1:], poll=2))
    assert names(history) == {"nonmonotonic-poll"}


def test_a_copy_that_was_taken_back_is_seen_twice_by_the_live_reader() -> None:
    taken_back = lane("event.Other", (7, 4))
    history = read_as(live([*READ.outputs[:4], *taken_back, READ.outputs[4]]))
    assert names(history) == {"aborted-read", "duplicate"}


def test_a_topic_that_no_reader_reads_is_not_compared() -> None:
    assert not names(read_as(live(READ.outputs), live(lane("dedup", (0, 0)))))


def test_an_answer_at_the_limit_is_in_time_and_a_lost_connection_is_not_late() -> None:
    at_limit, late = Attempt(0, "i", 0.0, 3.0, 503), Attempt(0, "i", 0.0, 3.001, 503)
    lost, by_hand = Attempt(0, "i", 0.0, 2.9, None), Attempt(1, "kafka", 0.0, 9.0, 200)
    again = sent(0, 9.0)
    history = replace(QUIET, raw=raw(1, 0), outputs=out(1, 0))
    assert not names(replace(history, attempts=[at_limit, lost, by_hand, again]))
    assert names(replace(history, attempts=[late, by_hand, again])) == {"late-answer"}
    silent = replace(late, status=None)
    assert names(replace(history, attempts=[silent, by_hand, again])) == {"late-answer"}


def test_a_later_copy_in_quarantine_is_still_a_good_event_set_aside() -> None:
    aside = Record("quarantine", 0, 0, digest(b"0"), KEY, source=(0, 1))
    history = replace(QUIET, attempts=[sent(0)], raw=raw(0, 0), outputs=out(0), quarantine=[aside])
    assert names(history) == {"quarantined-good"}


def test_what_is_refused_to_the_last_a_minute_after_the_last_fault_is_found() -> None:
    healed = [Strike("kill worker", "worker-1", 1.0, 9.0), Strike("kill broker", "k", 2.0, 4.0)]
    refused = [sent(0, 5.0, 503), sent(0, 69.5, None), sent(0, 30.0, 503)]
    history = replace(QUIET, attempts=refused, strikes=healed)
    assert names(history) == {"never-accepted"}
    assert not names(replace(history, attempts=[sent(0, 69.0, 503)]))
    assert not names(replace(history, strikes=[*healed, Strike("cut streams-crm", "s", 3.0)]))
    accepted = [*refused, sent(0, 3.0)]
    assert not names(replace(history, attempts=accepted, raw=raw(0), outputs=out(0)))
    by_hand = sent(0, 99.0, None, route="kafka")
    assert not names(replace(history, attempts=[by_hand]))


def test_without_a_fault_every_event_is_accepted() -> None:
    thousand = [event(number) for number in range(1000)]
    history = History(1, thousand, [sent(number, status=503) for number in range(1000)])
    (finding,) = check(history)
    assert (finding.invariant, finding.name, finding.count) == ("I6", "never-accepted", 1000)


def test_examples_are_few_and_the_count_is_whole() -> None:
    history = History(1, [event(n) for n in range(20)], [sent(n) for n in range(20)])
    (finding,) = check(history)
    assert (finding.invariant, finding.name, finding.count) == ("I1", "lost-write", 20)
    assert len(finding.examples) == MOST_EXAMPLES
    assert finding.examples[3] == (
        "event 3 (tenant-0, Other, id id-3) is not in raw, but i answered 200 at 0.500"
    )


def test_sentences_count_from_the_run_s_begin() -> None:
    history = replace(QUIET, attempts=[sent(0, 70_000.25)], began=70_000.0)
    (finding,) = check(history)
    assert finding.examples[0].endswith("i answered 200 at 0.750")


def test_findings_come_in_the_order_of_the_invariants() -> None:
    history = replace(
        QUIET,
        attempts=[sent(0, status=401)],
        ends=[End("raw", 0, 0, 1, 2)],
        raw=lane("raw", (0, 9)),
    )
    assert [finding.invariant for finding in check(history)] == ["I2", "I6", "I8"]
    assert [row.number for row in INVARIANTS] == [f"I{n}" for n in range(1, 11)]


def test_the_books_of_a_loss_say_how_much_is_missing() -> None:
    history = replace(QUIET, attempts=[sent(0), sent(1), sent(2)], raw=raw(0, 2), outputs=out(0))
    failing = {each.sentence: (each.left, each.right) for each in books(history) if not each.holds}
    assert failing["events accepted = those in raw"] == (3, 2)
    assert failing["raw records = outputs + duplicates dropped + quarantined from raw"] == (2, 1)


# What makes a history void.


def test_an_empty_history_is_void_and_breaks_nothing() -> None:
    assert check(History(1)) == []
    assert len(void_reasons(History(1))) == 5


def test_a_history_in_which_nothing_was_accepted_is_void() -> None:
    whole = valid()
    refused = [replace(each, status=503) for each in whole.attempts]
    assert void_reasons(replace(whole, attempts=refused)) == ["no attempt was answered 2xx"]


def test_attempts_of_an_unknown_event_are_void_and_break_nothing() -> None:
    whole = valid()
    history = replace(whole, attempts=[*whole.attempts, sent(999)])
    assert void_reasons(history) == ["1 events were attempted that are not known, e.g. 999"]
    assert check(history) == []


def test_events_that_were_never_attempted_are_void() -> None:
    whole = valid()
    history = replace(whole, events=[*whole.events, event(500), event(501)])
    assert void_reasons(history) == ["2 events were never attempted"]


def test_attempts_that_end_before_they_begin_are_void_and_break_nothing() -> None:
    whole = valid()
    backwards = [replace(it, started=it.ended + 1) for it in whole.attempts]
    history = replace(whole, attempts=backwards, live=whole.live[:1])
    assert any("before they began" in reason for reason in void_reasons(history))
    check(history)


def test_bodies_numbers_and_recipients_have_to_differ() -> None:
    whole = valid()
    named = replace(event(500), recipients=("a@example.com", "a@example.com"))
    twins = [named, replace(named, number=501, recipients=()), replace(event(7), number=500)]
    attempts = [*whole.attempts, sent(500, status=None), sent(501, status=None)]
    history = replace(whole, events=[*whole.events, *twins], attempts=attempts)
    assert void_reasons(history) == [
        "1 events have the body of another one",
        "1 events have the number of another one",
        "1 recipients are named twice",
    ]


def test_a_log_whose_beginning_is_gone_is_void() -> None:
    whole = valid()
    ends = [*whole.ends, End("event.email-v3", 7, 3, 5, 5)]
    reason = "event.email-v3 partition 7 begins at offset 3: what was before is gone"
    assert void_reasons(replace(whole, ends=ends)) == [reason]


def test_a_run_may_begin_in_the_middle_of_a_log_that_is_whole_from_there() -> None:
    whole = valid()
    later = [
        replace(end, start=3, since=5, stable=end.stable + 5, high=end.high + 5)
        for end in whole.ends
    ]
    assert void_reasons(replace(whole, ends=later)) == []
    assert all(identity.holds for identity in books(replace(whole, ends=later)))
    assert void_reasons(replace(whole, ends=[replace(end, start=6) for end in later]))


def test_a_final_reader_that_leaves_out_raw_records_is_void() -> None:
    whole = valid()
    last = whole.raw[-1]
    (reason,) = void_reasons(replace(whole, raw=whole.raw[:-1]))
    assert reason.startswith(f"raw partition {last.partition}: the final reader read {last.offset}")


def test_a_final_reader_that_goes_back_is_void() -> None:
    whole = valid()
    again = void_reasons(replace(whole, outputs=[*whole.outputs, whole.outputs[0]]))
    assert again == ["the final reader read 1 places twice"]
    backwards = void_reasons(replace(whole, raw=list(reversed(whole.raw))))
    assert backwards
    assert all(reason.endswith("out of order") for reason in backwards)
