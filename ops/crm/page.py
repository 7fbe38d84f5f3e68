"""What a person reads of `geophone crm`, and what a program does."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from ops.crm.preview import Planned
from ops.show import printable
from schemas.envelope import Envelope
from streams.crm import Finding, Request

_LEFT_OUT = frozenset({"authorization", "cookie", "proxy-authorization", "webhook-signature"})
_HIDDEN = "…"


def preview(event: Envelope, planned: Sequence[Planned], console: Console) -> None:
    """Print each command and what its CRM would be sent."""
    for number, each in enumerate(planned, 1):
        title = f"Task {number} of {len(planned)}: {each.command.kind}"
        _print(console, Text(title, "bold green"))
        _print_all(console, _pretty(each.command.encode()))
        _print(console, _heading(each))
        for request in each.requests:
            _print(console, Text(f"{request.method} {request.path}", "cyan"))
            _print_all(console, [f"{name}: {value}" for name, value in _headers(request).items()])
            _print_all(console, ["", *_pretty(request.body)] if request.body else [])
            _print(console, Text())
    tasks = "1 task" if len(planned) == 1 else f"{len(planned)} tasks"
    _print(console, Text(f"{tasks} from {event.spelling}; nothing was sent", "dim"))


def as_json(event: Envelope, planned: Sequence[Planned]) -> str:
    """Return the same for a program; bodies are texts, exactly as they would be sent."""
    document = {
        "eventType": event.spelling,
        "tenantId": event.tenant_id,
        "tasks": [
            {
                "command": orjson.Fragment(each.command.encode()),
                "target": each.target,
                "refused": each.refused,
                "requests": [_plain(request) for request in each.requests],
            }
            for each in planned
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def findings(target: str, found: Sequence[Finding], console: Console) -> None:
    """Print what one CRM's check found, and below what is wrong how to mend it."""
    _print(console, Text(target, "bold"))
    for finding in found:
        mark, style = ("ok", "green") if finding.ok else ("wrong", "red")
        _print(console, Text.assemble((f"  {mark:<6}", style), _safe(finding.subject)))
        if not finding.ok:
            _print(console, Text(f"        {_safe(finding.remedy)}", "yellow"))


def _heading(planned: Planned) -> Text:
    if planned.target is None:
        return Text("no CRM is configured, so no request is shown", "dim")
    if planned.refused is not None:
        why = f"{planned.target} would refuse it, it would be a dead letter: {planned.refused}"
        return Text(_safe(why), "red")
    many = len(planned.requests)
    what = "1 request" if many == 1 else f"{many} requests"
    return Text(f"{what} to {planned.target}, log-in and signature left out:", "dim")


def _pretty(body: bytes) -> Iterator[str]:
    try:
        text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    except orjson.JSONDecodeError:
        text = body
    return iter(text.decode(errors="replace").split("\n"))


def _headers(request: Request) -> Mapping[str, str]:
    return {
        name: _HIDDEN if name.lower() in _LEFT_OUT else value
        for name, value in request.headers.items()
    }


def _plain(request: Request) -> dict[str, Any]:
    body = request.body.decode(errors="replace") if request.body else None
    headers = dict(_headers(request))
    return {"method": request.method, "path": request.path, "headers": headers, "body": body}


def _print_all(console: Console, lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        _print(console, Text(f"  {_safe(line)}"))


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def _safe(line: str) -> str:
    return printable(line.encode(errors="replace"))
