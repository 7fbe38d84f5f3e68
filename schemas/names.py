"""What may serve as an id, an address, a tenant or a type: they become record keys and headers.

Seismic's ids are opaque (GUIDs, 64 hex digits, "GUID"), so only what a header cannot carry is
refused: CloudEvents 1.0 (github.com/cloudevents/spec, section "Type System") allows no control
characters in an attribute.
"""

import re

MAX_NAME = 512
"""Longest id, address, tenant or type in characters; the longest documented one has 64, and SMTP
carries no address of more than 254 (RFC 5321, section 4.5.3.1.3)."""

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def flaw(name: str) -> str | None:
    """Say what makes `name` unfit, or None if nothing does."""
    if name.isprintable() and len(name) <= MAX_NAME:
        return None  # no control character is printable, and this is five times as fast to ask
    if len(name) > MAX_NAME:
        return f"longer than {MAX_NAME} characters"
    return "with a control character" if CONTROL_CHARACTER.search(name) else None
