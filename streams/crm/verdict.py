"""What a vendor's error code means: the command's fault, or somebody else's. Pure.

Each connector brings a table from code to verdict. A code it does not list is judged by its HTTP
status as in `streams/crm/answer.py`. A reason is made of the vendor's code, names of fields and our
own words: vendors' messages quote the request, and so people.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.crm import Refused, Unavailable
from streams.crm.answer import REASON_LIMIT, is_operators, refuses

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)  # Dataverse's are numbers


@dataclass(frozen=True)
class Verdict:
    """`refused`: the command will never be taken. `text`: what it means, what mends it."""

    refused: bool
    text: str


def terminal(text: str) -> Verdict:
    """Return the verdict that this command will never be taken."""
    return Verdict(refused=True, text=text)


def again(text: str) -> Verdict:
    """Return the verdict to try again: for now, or once an operator has mended something."""
    return Verdict(refused=False, text=text)


@dataclass(frozen=True)
class Trouble:
    """One error as a vendor tells it: HTTP status, code, fields; seconds it wants us to wait."""

    status: int
    code: str = ""
    fields: Iterable[str] = ()
    retry_after: float | None = None


def judge(trouble: Trouble, table: Mapping[str, Verdict]) -> Refused | Unavailable:
    """Return the exception to raise."""
    verdict = table.get(trouble.code) or _by_status(trouble.status)
    reason = _reason(trouble, verdict)
    return Refused(reason) if verdict.refused else Unavailable(reason, trouble.retry_after)


def _by_status(status: int) -> Verdict:
    if is_operators(status):
        return again("check the CRM's address and credential")
    return Verdict(refuses(status), "")


def _reason(trouble: Trouble, verdict: Verdict) -> str:
    code = trouble.code if _CODE.fullmatch(trouble.code) else ""
    fields = ", ".join(filter(_NAME.fullmatch, trouble.fields))
    parts = [f"HTTP {trouble.status}", code, fields, verdict.text]
    return ": ".join(part for part in parts if part)[:REASON_LIMIT]
