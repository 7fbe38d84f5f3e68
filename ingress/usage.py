"""What `geophone-ingress --help` prints: every variable, made from the settings themselves."""

import textwrap
from typing import Any

from pydantic.fields import FieldInfo

from ingress.settings import Settings
from schemas.settings import PREFIX

WIDTH = 96

HEAD = """\
geophone-ingress: stores Seismic's webhooks in Kafka and answers once they are safe there.

usage: geophone-ingress            serve until SIGTERM
       geophone-ingress --check    validate the settings, say what is wrong, and end
       geophone-ingress --help     print this

Everything is set by environment variables (default in brackets):
"""

FOOT = """
Exit codes: 0 ended as asked, 1 an address cannot be listened on, 70 a bug, 78 a setting is wrong.
"""


def text() -> str:
    """Return the whole help text."""
    rows = (_row(name, field) for name, field in Settings.model_fields.items())
    return "\n".join([HEAD, *rows, FOOT])


def _row(name: str, field: FieldInfo) -> str:
    meaning = f"{field.description} [{_default(field.default)}]"
    lines = textwrap.wrap(meaning, WIDTH - 6)
    return "\n".join([f"  {PREFIX}{name.upper()}", *(f"      {line}" for line in lines)])


def _default(value: Any) -> str:
    if value is None or value == ():
        return "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)
