"""What the canary says to people and to machines."""

import io
from dataclasses import replace
from typing import Any

import orjson
import pytest
from rich.console import Console

from ops.prove.canary import show
from ops.prove.canary.judge import Judgement, judge
from ops.prove.canary.observed import Observed
from ops.prove.canary.plan import CannotJudge, prepare
from ops.prove.history import Attempt
from tests.canary_plan import plan

BEGAN = "2026-04-07T12:34:56.000Z"
EVENTS = [each.event for each in prepare(plan(events=2), "canary-x", BEGAN)]


def seen(*attempts: Attempt, **more: Any) -> Judgement:
    return judge(Observed(EVENTS, attempts, (), (), 12, 30, **more))


def about(**chosen: Any) -> show.About:
    return show.About(plan(**chosen), "canary-x", BEGAN)


def said(judgement: Judgement, **chosen: Any) -> str:
    printed = io.StringIO()
    show.judged(about(**chosen), judgement, Console(file=printed, width=80))
    return printed.getvalue()


def test_retries_are_said() -> None:
    attempts = Attempt(0, "url", 0, 1, 503), Attempt(0, "url", 2, 3, None)
    text = said(seen(*attempts), pauses=(5.0, 25))
    assert "2 of 2 attempts were not accepted; as Seismic it came again after 5, 25 s" in text
    assert "canary-x-1: 503, no answer" in text
    assert "not well: 1 refused of 1 events sent: its log says why" in text


def test_nothing_in_raw_may_be_another_installation() -> None:
    text = said(seen(Attempt(0, "url", 0, 1, 200)), url="http://[::1]:8080/webhook")
    assert "do http://[::1]:8080/webhook and seismic.raw belong to the same installation?" in text
    assert text.count("[::1]") == 2, "brackets are no markup"


def test_what_cannot_be_judged_is_said_in_either_form() -> None:
    printed = io.StringIO()
    why = CannotJudge("a [red] herring")
    show.unjudged(about(), why, Console(file=printed))
    assert printed.getvalue() == "not judged: a [red] herring\n"

    printed = io.StringIO()
    show.unjudged(about(as_json=True), why, Console(file=printed, width=20))
    content = orjson.loads(printed.getvalue())
    assert (content["verdict"], content["reasons"]) == ("void", ["a [red] herring"])


@pytest.mark.parametrize("hidden", [0, 3])
def test_each_finding_has_advice(hidden: int) -> None:
    judgement = seen(hidden=hidden)
    for name in show._NEXT:
        finding = replace(seen(Attempt(0, "url", 0, 1, 503)).findings[0], name=name)
        (reason,) = show.reasons(plan(), replace(judgement, findings=[finding]))
        assert reason.startswith(f"1 {name} of 0 events sent: ")
