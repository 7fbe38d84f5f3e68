"""What a login takes from files: a password, or a bearer token for SASL OAUTHBEARER.

A token's file is kept fresh by somebody else: a projected Kubernetes service account token works as
it is, any identity provider by way of an agent that writes such a file. Kafka ends a connection
when its token expires (KIP-368); the next one is opened with what the file holds then.
"""

import base64
import json
import time
from pathlib import Path

from aiokafka.abc import AbstractTokenProvider


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Reads the file each time a connection is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """Return the token of the moment.

        An old one is not sent: aiokafka 0.14 does not read the broker's refusal (RFC 7628, 3.2.3)
        and goes on as if it were let in.

        Raises:
            OSError: the file cannot be read or is empty, or its token has expired.
        """
        token = secret_in(self._path)
        if (late := time.time() - _expires(token)) > 0:
            raise OSError(f"the token in {self._path} expired {late:.0f} s ago: renew the file")
        return token


def _expires(token: str) -> float:
    """Return the end of a JWT in seconds since 1970; infinity for a token of another kind."""
    try:
        _, claims, _ = token.split(".")
        return float(json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"])
    except (ValueError, LookupError, TypeError):
        return float("inf")


def secret_in(path: Path) -> str:
    """Return what the file holds, without the line break that editors leave at its end.

    Raises:
        OSError: it cannot be read, holds nothing, or is not UTF-8; the message names it.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise OSError(f"{path} is not UTF-8") from error
    if not secret:
        raise OSError(f"{path} is empty")
    return secret
