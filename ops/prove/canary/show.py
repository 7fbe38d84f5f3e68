"""Says what the canary found: a table and one line for people, one JSON object for machines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.prove.canary.judge import Judgement
from ops.prove.canary.plan import CanaryPlan, CannotJudge
from ops.prove.canary.tally import Spread
from ops.prove.findings import Finding, Verdict

_MEASURED = {
    "accepted": "request to 2xx",
    "raw": "first request to readable in raw",
    "event": "first request to readable in its event topic",
}

_NEXT = {
    "refused": "its log says why it did not accept them; Seismic would come again for 24 hours",
    "lost": "look at the raw topic's replication and min.insync.replicas",
    "stuck": "is a streams process with the stage dedup running, and what does its log say?",
    "late": "look at geophone_streams_lag_records: add streams processes, or look for a slow one",
    "duplicate": "does anything but one installation's streams write into the event topics?",
    "out of order": "does anything but the ingress write into the raw topic?",
    "altered": "does anything between sender, ingress and Kafka rewrite bodies?",
    "misplaced": "was the number of partitions changed? run `geophone topics verify`",
    "mislabelled": "do ingress and streams have the same version?",
}


@dataclass(frozen=True, slots=True)
class About:
    """Which run it was; `began` is RFC 3339."""

    plan: CanaryPlan
    run_id: str
    began: str


def judged(about: About, judgement: Judgement, console: Console) -> None:
    """Print the judgement."""
    if about.plan.as_json:
        _print_json(about, judgement.verdict, reasons(about.plan, judgement), judgement, console)
        return
    console.print(_times(about, judgement))
    _print_retries(about.plan, judgement.counts, console)
    for finding in judgement.findings:
        for example in finding.examples:
            console.print(Text(f"  {example}"), soft_wrap=True)
    console.print(_verdict(about.plan, judgement), soft_wrap=True)


def unjudged(about: About, why: CannotJudge, console: Console) -> None:
    """Print why there is no judgement."""
    if about.plan.as_json:
        _print_json(about, Verdict.VOID, [str(why)], None, console)
        return
    console.print(Text.assemble(("not judged: ", "yellow"), str(why)), soft_wrap=True)


def reasons(plan: CanaryPlan, judgement: Judgement) -> list[str]:
    """Return what is wrong and what to do next, a sentence for each kind."""
    return [
        f"{each.count} {each.name} of {judgement.counts['sent']} events sent: "
        f"{_next(plan, each, judgement.counts)}"
        for each in judgement.findings
    ]


def _next(plan: CanaryPlan, finding: Finding, counts: Mapping[str, int]) -> str:
    if finding.name == "lost" and not counts["in_raw"]:
        return f"do {plan.where} and {plan.raw_topic} belong to the same installation?"
    if finding.name == "stuck" and counts["hidden_by_open_transactions"]:
        return (
            f"an open transaction hides {counts['hidden_by_open_transactions']} records in "
            f"{plan.output_topic}: find it with `kafka-transactions.sh find-hanging`"
        )
    return _NEXT[finding.name]


def _verdict(plan: CanaryPlan, judgement: Judgement) -> Text:
    wrong = reasons(plan, judgement)
    if wrong:
        return Text.assemble(("not well: ", "red"), "; ".join(wrong))
    counts = judgement.counts
    return Text.assemble(
        ("all well: ", "green"),
        f"{counts['accepted']} events ({counts['accepted_deliveries']} deliveries) are readable "
        "in their topic, each once, in order, byte for byte",
    )


def _times(about: About, judgement: Judgement) -> Table:
    title = Text(f"{about.run_id}, tenant {about.plan.tenant}, {about.plan.where}")
    table = Table(title=title, title_justify="left")
    table.add_column("milliseconds")
    for column in ("events", "p50", "p99", "max"):
        table.add_column(column, justify="right")
    for name, words in _MEASURED.items():
        table.add_row(words, *_row(judgement.times[name]))
    return table


def _row(spread: Spread | None) -> tuple[str, ...]:
    if spread is None:
        return ("0", "-", "-", "-")
    return (str(spread.count), *(f"{each:.1f}" for each in (spread.p50, spread.p99, spread.max)))


def _print_retries(plan: CanaryPlan, counts: Mapping[str, int], console: Console) -> None:
    if number := counts["attempts_not_accepted"]:
        pauses = ", ".join(f"{each:g}" for each in plan.pauses)
        console.print(
            f"{number} of {counts['attempts']} attempts were not accepted; as Seismic it "
            f"came again after {pauses or 'no'} s",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )


def _print_json(
    about: About,
    verdict: Verdict,
    why: list[str],
    judgement: Judgement | None,
    console: Console,
) -> None:
    content: dict[str, Any] = {
        "verdict": verdict,
        "reasons": why,
        "run": about.run_id,
        "began": about.began,
        "url": about.plan.where,
        "tenant": about.plan.tenant,
        "retries_after_seconds": about.plan.pauses,
    }
    if judgement:
        content |= asdict(judgement)
    console.out(orjson.dumps(content).decode(), highlight=False)
