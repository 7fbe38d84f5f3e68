"""The demo's verdict: one wrong thing is one complaint, and nothing else is said."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from rich.console import Console

from ops.demo import report
from ops.demo.outcome import Outcome, Seen
from ops.demo.script import Script, Step
from ops.sender import Delivery
from tests.records import record


@dataclass
class Play:
    """A perfect run, ready to be made wrong in one place."""

    outcomes: list[Outcome]
    records: dict[str, list[ConsumerRecord]]
    tasks: list[dict[str, Any]]
    printed: io.StringIO = field(default_factory=io.StringIO)

    def step(self, name: str) -> Step:
        return next(o.step for o in self.outcomes if o.step.name == name)

    def answer(self, name: str, delivery: Delivery) -> None:
        """Give one delivery of a step another answer."""
        outcome = next(o for o in self.outcomes if o.step.name == name)
        outcome.deliveries[0] = delivery

    def store(self, kind: str, step: str, reason: str | None = None) -> None:
        headers = [("geophone-reason", reason.encode())] if reason else []
        body = self.step(step).body
        self.records.setdefault(kind, []).append(record(body, headers=headers))

    def lose(self, kind: str, step: str) -> None:
        body = self.step(step).body
        lost = next(each for each in self.records[kind] if each.value == body)
        self.records[kind].remove(lost)

    def set_aside(self, step: str, reason: str | None) -> None:
        """Give the quarantined record another reason."""
        self.lose("quarantine", step)
        self.store("quarantine", step, reason)

    def complaints(self, width: int = 80) -> list[str]:
        console = Console(file=self.printed, width=width)
        return report.show(self.outcomes, Seen(self.records, self.tasks), console)


def task(who: str) -> dict[str, Any]:
    command = {
        "due": "2026-04-09",
        "subject": f"Follow up: LiveSend to {who}",
        "owner": {"email": "seller@example.com"},
        "recipient": {"email": who},
    }
    return {"command": command, "status": "open"}


@pytest.fixture
def play() -> Play:
    steps = Script.written_for("secret").steps
    outcomes = [
        Outcome(step, [Delivery(step.expected.status, 1.0, step.expected.body)] * step.times)
        for step in steps
    ]
    made = Play(outcomes, {}, [task(who) for step in steps for who in step.expected.tasks])
    for step in steps:
        for _ in range(step.expected.copies):
            made.store("raw", step.name)
        if step.expected.topic:
            made.store(step.expected.topic, step.name, step.expected.reason)
    return made


EMAIL, INSTALL, FORGED = "email to three, sent three times", "install callback", "wrong signature"
LIVESEND, POISON = "LivesendUpdatedV1", "signed, but not JSON"
ECHO = "verification, existing format"

WRONG: dict[str, tuple[Callable[[Play], None], str]] = {
    "status": (
        lambda p: p.answer(LIVESEND, Delivery(503, 1.0)),
        f"{LIVESEND}: answered 503, not 200",
    ),
    "no answer": (
        lambda p: p.answer(EMAIL, Delivery(None, 3000.0)),
        f"{EMAIL}: no answer in time, not 200",
    ),
    "accepted forgery": (
        lambda p: p.answer(FORGED, Delivery(200, 1.0)),
        f"{FORGED}: answered 200, not 401",
    ),
    "body": (
        lambda p: p.answer(INSTALL, Delivery(202, 1.0, b"thanks")),
        f"{INSTALL}: answered b'thanks', not b''",
    ),
    "missing record": (
        lambda p: p.lose("event.LivesendUpdatedV1", LIVESEND),
        f"{LIVESEND}: is missing in event.LivesendUpdatedV1",
    ),
    "missing in lifecycle": (
        lambda p: p.lose("lifecycle", INSTALL),
        f"{INSTALL}: is missing in lifecycle",
    ),
    "in a second topic": (
        lambda p: p.store("event.Other", EMAIL),
        f"{EMAIL}: is in event.Other, where it does not belong",
    ),
    "forgery stored": (
        lambda p: p.store("quarantine", FORGED),
        f"{FORGED}: is in quarantine, where it does not belong",
    ),
    "forgery in raw": (
        lambda p: p.store("raw", FORGED),
        f"{FORGED}: once in raw, not 0 times",
    ),
    "duplicate": (
        lambda p: p.store("event.email-v3", EMAIL),
        f"{EMAIL}: 2 times in event.email-v3, not once",
    ),
    "lost in raw": (lambda p: p.lose("raw", EMAIL), f"{EMAIL}: 2 times in raw, not 3 times"),
    "reason": (
        lambda p: p.set_aside(POISON, "no-id"),
        f"{POISON}: set aside for the reason no-id, not not-json",
    ),
    "no reason": (
        lambda p: p.set_aside(POISON, None),
        f"{POISON}: set aside for the reason None, not not-json",
    ),
    "task missing": (
        lambda p: p.tasks.remove(task("grace@example.com")),
        "the CRM has 0 tasks for grace@example.com, not 1",
    ),
    "task twice": (
        lambda p: p.tasks.append(task("ada@example.com")),
        "the CRM has 2 tasks for ada@example.com, not 1",
    ),
    "task for a stranger": (
        lambda p: p.tasks.append(task("nobody@example.com")),
        "the CRM has 1 task for nobody@example.com, not 0",
    ),
}


def test_a_perfect_run_has_no_complaint_and_says_so(play: Play) -> None:
    assert play.complaints() == []
    assert "All of it is right" in play.printed.getvalue()


@pytest.mark.parametrize("kind", WRONG)
def test_each_kind_of_wrongness_is_exactly_one_complaint(play: Play, kind: str) -> None:
    spoil, complaint = WRONG[kind]
    spoil(play)
    assert play.complaints() == [complaint]
    printed = " ".join(play.printed.getvalue().split())
    assert f"wrong: {complaint}" in printed
    assert "All of it is right" not in printed


def test_several_wrong_things_are_all_named(play: Play) -> None:
    for spoil, _ in WRONG.values():
        spoil(play)
    assert len(play.complaints()) >= 10


def test_a_refused_signature_may_be_explained_in_any_words(play: Play) -> None:
    play.answer(FORGED, Delivery(401, 1.0, b'{"title":"Unauthorized"}'))
    assert play.complaints() == []


def test_the_tables_fit_80_columns(play: Play) -> None:
    play.complaints()
    assert max(map(len, play.printed.getvalue().splitlines())) <= 80


def test_the_tables_say_what_happened_in_good_english(play: Play) -> None:
    play.complaints(width=200)
    text = play.printed.getvalue()
    for words in ("3 x 200", "2 duplicates dropped, 3 recipients", "stored, 1 recipient "):
        assert words in text
    for words in ("quarantined: not-json", "nothing stored", "echoed"):
        assert words in text


def test_a_complaint_is_printed_as_it_is_even_if_it_looks_like_markup(play: Play) -> None:
    play.answer(INSTALL, Delivery(202, 1.0, b"[/red] [bold]"))
    play.complaints(width=200)
    assert "answered b'[/red] [bold]'" in play.printed.getvalue()


def test_every_step_of_the_script_expects_something_that_can_be_missed() -> None:
    """A script that expected nothing could never be disappointed."""
    steps = Script.written_for("secret").steps
    assert len({step.body for step in steps}) == len(steps)
    for step in steps:
        wants = replace(step.expected, status=0)
        assert wants != type(wants)(0) or step.expected.status == 401, step.name
