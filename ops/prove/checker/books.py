"""The identities: two counts of one thing, each taken from other data."""

from collections import Counter
from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence
from ops.prove.checker.tasks import delivered_recipients
from ops.prove.findings import Identity
from ops.prove.history import Outcome


def identities(evidence: Evidence) -> Iterator[Identity]:
    """Yield the books, from the sender's side to the CRM's."""
    yield from _sent(evidence)
    yield from _raw(evidence)
    yield from _outputs(evidence)
    yield from _readers(evidence)
    yield from _tasks(evidence)


def _sent(evidence: Evidence) -> Iterator[Identity]:
    attempts = evidence.history.attempts
    came_to = Counter(attempt.outcome for attempt in attempts)
    parts = came_to[Outcome.OK] + came_to[Outcome.FAIL] + came_to[Outcome.UNKNOWN]
    sentence = "attempts the sender counted = ok + fail + unknown"
    yield Identity(sentence, evidence.history.counted, parts)
    accepted = [
        evidence.events[number] for number in evidence.accepted if number in evidence.events
    ]
    good = [event.digest for event in accepted if not event.poison]
    poison = {event.digest for event in accepted if event.poison}
    raw = {record.digest for record in evidence.history.raw}
    aside = {record.digest for record in evidence.history.quarantine}
    yield Identity("events accepted = those in raw", len(good), len(raw.intersection(good)))
    yield Identity("poison accepted = those in quarantine", len(poison), len(poison & aside))


def _raw(evidence: Evidence) -> Iterator[Identity]:
    past, known = evidence.history, evidence.by_digest
    records = len(past.raw)
    sent = sum(record.digest in known for record in past.raw)
    yield Identity("raw records = raw records with a body that was sent", records, sent)
    written = sum(end.high - end.since for end in past.ends if end.kind == "raw")
    yield Identity("raw records in the log = raw records read", written, records)
    good = [body for body in evidence.raw_copies if body in known and not known[body].poison]
    dropped = sum(evidence.raw_copies[body] - 1 for body in good)
    aside = sum(record.source is not None for record in past.quarantine)
    sentence = "raw records = outputs + duplicates dropped + quarantined from raw"
    yield Identity(sentence, records, len(past.outputs) + dropped + aside)
    events = len({record.digest for record in past.outputs})
    yield Identity(
        "distinct events in raw = distinct events in the event topics", len(good), events
    )


def _outputs(evidence: Evidence) -> Iterator[Identity]:
    outputs = evidence.history.outputs
    own = sum(
        record.kind == f"event.{event.type}"
        for record in outputs
        if (event := evidence.by_digest.get(record.digest))
    )
    yield Identity(
        "output records = distinct events in the event topics",
        len(outputs),
        len({record.digest for record in outputs}),
    )
    yield Identity("output records = those in their type's topic", len(outputs), own)


def _readers(evidence: Evidence) -> Iterator[Identity]:
    places = sum(
        len({seen.record.offset for seen in readings}) for readings in evidence.live.values()
    )
    log = sum(map(len, evidence.logs.values()))
    yield Identity("records the live reader saw = records in the log", places, log)


def _tasks(evidence: Evidence) -> Iterator[Identity]:
    past = evidence.history
    recipients = len(delivered_recipients(evidence))
    yield Identity("recipients of delivered events = tasks", recipients, len(past.tasks))
    told = len({task.recipient for task in past.tasks})
    yield Identity("recipients of delivered events = recipients with a task", recipients, told)
    commands = len(past.commands)
    yield Identity("recipients of delivered events = commands", recipients, commands)
    distinct = len({record.digest for record in past.commands})
    yield Identity("commands = distinct commands", commands, distinct)
    yield Identity("commands in the dead letters = 0", len(past.dead), 0)
    stable, high = sum(end.stable for end in past.ends), sum(end.high for end in past.ends)
    yield Identity("last stable offsets = high watermarks, summed", stable, high)
