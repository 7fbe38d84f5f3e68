"""The request that proves who owns an URL: echo its challenge, needing neither Kafka nor secret.

Two forms are in force at once and are told apart by the body (developer.seismic.com, page events):
`{"type": "verification", "challenge": s}`, and an envelope of version WebhookChallengeV1 with
data.challenge. What is echoed to a stranger is bounded: printable ASCII, and little of it.
"""

import re
from collections.abc import Mapping
from typing import Any

from ingress import answers
from ingress.answers import Answer

LARGEST_BODY = 8 * 1024
"""Larger bodies are no verification: a stranger's megabyte is not even parsed."""

_CHALLENGE = re.compile(r"[ -~]{1,1024}")


def recognise(parsed: Mapping[str, Any]) -> Answer | None:
    """Return the answer to a well-formed verification, None to anything else."""
    if _is(parsed.get("type"), "verification"):
        text = _challenge(parsed.get("challenge"))
        return answers.plain(text) if text else None
    # Every event has a version, and nearly none a challenge.
    data = parsed.get("data")
    if isinstance(data, dict) and "challenge" in data:
        text = _challenge(data["challenge"])
        if text and _is(parsed.get("version"), "webhookchallengev1"):
            return answers.challenge(text)
    return None


def _is(value: object, name: str) -> bool:
    return isinstance(value, str) and value.lower() == name


def _challenge(value: object) -> str | None:
    return value if isinstance(value, str) and _CHALLENGE.fullmatch(value) else None
