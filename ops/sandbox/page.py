"""The page a person looks at: one HTML document, its style and script within it.

The list works without JavaScript. Every value is escaped, and the Content-Security-Policy names
the hashes of our own style and script, so that no text from an event can ever run.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from ops.sandbox.store import Counts, Task


class Page:
    """Renders the list; its files are read once."""

    limit = 200  # rows: what a person can take in; the search finds the others

    def __init__(self, hint: str) -> None:
        self._frame = Template(_file("page.html"))
        self._table = Template(_file("table.html"))
        self._row = Template(_file("row.html"))
        self._style, self._script = _file("page.css"), _file("page.js")
        self._empty = _EMPTY.substitute(hint=escape(hint))
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": _policy(self._style, self._script),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def answer(self, tasks: Sequence[Task], counts: Counts, q: str) -> HTMLResponse:
        """Return the page: the newest `tasks` that match `q`, of which there are `counts`."""
        html = self._frame.substitute(
            style=self._style,
            script=self._script,
            q=escape(q),
            count=_count(len(tasks), counts),
            view=self._view(tasks, q),
        )
        return HTMLResponse(html, headers=self._headers)

    def _view(self, tasks: Sequence[Task], q: str) -> str:
        if not tasks:
            return _NO_MATCH.substitute(q=escape(q)) if q else self._empty
        rows = (self._row.substitute(_cells(task, q)) for task in tasks)
        return self._table.substitute(rows="".join(rows))


_LONG_WORDS = ("subject", "owner", "recipient", "event_type")
_BREAK = re.compile(r"(?=@)|(?<=[a-z])(?=[A-Z])")  # where an address or a type's name may wrap
_EMPTY = Template(
    '<div class="empty"><h2>No tasks yet</h2>'
    "<p>A task appears here for every recipient of an email event. Send one:</p>"
    "<pre><code>$hint</code></pre></div>"
)
_NO_MATCH = Template(
    '<div class="empty"><h2>No task matches “$q”</h2><p><a href="/">Show all tasks</a></p></div>'
)
_OPEN = Template(
    '<span class="status open">Open</span>'
    '<form method="post" action="/tasks/$key/complete$query">'
    '<button id="done-$key" aria-label="Mark done: $subject">Mark done</button></form>'
)
_DONE = Template('<span class="status done" title="Completed $at">Done</span>')


def _cells(task: Task, q: str) -> dict[str, str]:
    command, created = task.command, datetime.fromisoformat(task.created_at)
    texts = {
        "key": task.key,
        "id": task.id,
        "due": command["due"],
        "subject": command["subject"],
        "owner": _person(command["owner"]),
        "recipient": _person(command["recipient"]),
        "tenant": command["tenantId"],
        "event_type": command["eventType"],
        "event": command["eventId"],
        "created": task.created_at,
        "created_date": f"{created:%Y-%m-%d}",
        "created_time": f"{created:%H:%M:%S}",
    }
    cells = {name: escape(text) for name, text in texts.items()}
    cells |= {name: _breakable(cells[name]) for name in _LONG_WORDS}
    return cells | {"related": _related(command.get("related")), "status": _status(task, q)}


def _status(task: Task, q: str) -> str:
    if task.completed_at:
        return _DONE.substitute(at=escape(task.completed_at))
    query = escape(f"?{urlencode({'q': q})}" if q else "")
    subject = escape(task.command["subject"])
    return _OPEN.substitute(key=escape(task.key), query=query, subject=subject)


def _person(person: Mapping[str, str]) -> str:
    return person.get("email") or person.get("id") or "unknown"


def _related(related: Mapping[str, str] | None) -> str:
    if related is None:
        return '<span class="none">none</span>'
    texts = [related.get(name) for name in ("name", "type", "id")]
    name, *details = [escape(text) for text in texts if text]
    return name + "".join(f"<small>{detail}</small>" for detail in details)


def _breakable(html: str) -> str:
    return _BREAK.sub("<wbr>", html)


def _count(shown: int, counts: Counts) -> str:
    if counts.total == 0:
        return "No tasks"
    noun = "task" if counts.total == 1 else "tasks"
    text = f"{counts.total:,} {noun}: {counts.open:,} open, {counts.completed:,} done"
    return text if shown == counts.total else f"{text}. The newest {shown:,} are shown"


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self';"
        f" connect-src 'self'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return files("ops.sandbox").joinpath(name).read_text("utf-8")
