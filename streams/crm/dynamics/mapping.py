"""What a task command becomes in Dataverse: one row of the table `task`. Pure.

https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/task
"""

import re
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from schemas.task import TaskCommand
from streams.crm import Request
from streams.crm.clock import instant
from streams.crm.dynamics.odata import ODATA, ROOT
from streams.crm.units import cut

SUBJECT_LIMIT = 200
DESCRIPTION_LIMIT = 2000
"""Both as the columns come; Dataverse refuses a longer text (0x80044331) and counts UTF-16."""

PRIORITIES = {"low": 0, "normal": 1, "high": 2}
REGARDING = {
    "account": "accounts",
    "contact": "contacts",
    "lead": "leads",
    "opportunity": "opportunities",
}
"""The tables a task may be about, and their entity sets."""

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Target:
    """A record of one of the tables in `REGARDING`; `key` is its GUID or stands for one."""

    table: str
    key: UUID | str


@dataclass(frozen=True)
class Links:
    """Whose task it is to be and what about, as far as Dataverse knows them."""

    owner: UUID | str | None = None
    regarding: Target | None = None

    def dropped(self, fewer: "Links") -> set[str]:
        """Return the names of the links that the other lacks."""
        return {name for name, link in vars(self).items() if link != vars(fewer)[name]}


@dataclass(frozen=True)
class DueTime:
    """The moment at which a task is due on its day: Dataverse has no due date without a time."""

    at: time
    zone: ZoneInfo

    def on_day(self, day: date) -> str:
        """Return the moment in UTC, as Dataverse reads it; raises as `instant`."""
        moment = instant(day, self.at, self.zone).replace(microsecond=0, tzinfo=None)
        return f"{moment.isoformat()}Z"


def creation(task: TaskCommand, links: Links, due: DueTime) -> Request:
    """Return the request that makes the task unless there is one with its key.

    An upsert that must not update: with `If-None-Match: *` a row that exists is left alone.
    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api

    Raises:
        Refused: the due day is none to Dataverse.
    """
    headers = {
        **ODATA,
        "Content-Type": "application/json",
        "If-None-Match": "*",
        "MSCRM.SuppressDuplicateDetection": "true",
    }
    body = orjson.dumps(row(task, links, due))
    return Request("PATCH", path(task), body, headers)


def path(task: TaskCommand) -> str:
    """Return where the task is to be: its key is the row's id."""
    return f"{ROOT}/tasks({task.key})"


def row(task: TaskCommand, links: Links, due: DueTime) -> dict[str, object]:
    """Return the task's columns; what a link would name and nobody knows is left out."""
    columns: dict[str, object] = {
        "subject": shorten(" ".join(task.subject.split()), SUBJECT_LIMIT),
        "scheduledend": due.on_day(task.due),
        "prioritycode": PRIORITIES[task.priority],
    }
    if task.body:
        columns["description"] = shorten(task.body, DESCRIPTION_LIMIT)
    return columns | _bindings(links)


def shorten(text: str, limit: int) -> str:
    """Return the text in at most `limit` UTF-16 units, without what XML cannot hold."""
    plain = _NOT_XML.sub(" ", text)
    return plain if cut(plain, limit) == plain else cut(plain, limit - 1).rstrip() + "…"


def _bindings(links: Links) -> dict[str, str]:
    bound = {}
    if links.owner:
        bound["ownerid@odata.bind"] = f"/systemusers({links.owner})"
    if about := links.regarding:
        name = f"regardingobjectid_{about.table}_task@odata.bind"
        bound[name] = f"/{REGARDING[about.table]}({about.key})"
    return bound
