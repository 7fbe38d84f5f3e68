"""Who may speak: the signing secrets, and whether a body was signed with one of them.

The scheme (developer.seismic.com, page signing-secret-validation): hex HMAC-SHA256 over the raw
body, keyed with the UTF-8 bytes of the secret. It has no timestamp: a replay is caught by the
deduplication, not here. Rotation is two secrets here, or two headers there, or both.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path

from ingress.changes import Changes
from ingress.settings import MIN_SECRET_BYTES, SHORT_SECRET, Misconfigured, Settings

_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""
_INNER, _OUTER = (bytes(byte ^ padding for byte in range(256)) for padding in (0x36, 0x5C))


class Signature(Enum):
    """What a request's signature is worth."""

    GOOD = "good"
    WRONG = "wrong"
    ABSENT = "absent"
    """No signature, or no secret to check one with."""


class _Key:
    """HMAC-SHA256 (RFC 2104) with the two paddings of its key hashed once, not for every body.

    That halves the time for a body of 600 bytes, to 0.9 µs.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()
        block = block.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def signature(self, body: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.hexdigest().encode()


class Keyring:
    """The secrets of the moment: those of the settings, and those in files, which may change."""

    def __init__(self, fixed: Sequence[str], files: Sequence[Path] = ()) -> None:
        self._fixed = [secret.encode() for secret in fixed]
        self._files = files
        self._keys = [_Key(secret) for secret in self._fixed]
        self.changes = Changes("secrets", files, self._load)

    @classmethod
    def of(cls, settings: Settings) -> "Keyring":
        """Build the keyring of the settings and read its files.

        Raises:
            Misconfigured: a file cannot be read or holds no secret.
        """
        keyring = cls(
            [secret.get_secret_value() for secret in settings.secrets], settings.secrets_files
        )
        try:
            keyring.changes.read()
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"GEOPHONE_SECRETS_FILES: {error}; name readable files with one secret per line"
            ) from error
        return keyring

    def __len__(self) -> int:
        return len(self._keys)

    def check(self, body: bytes, signatures: Iterable[bytes]) -> Signature:
        """Say whether any secret made any of the signatures over `body`.

        Every pair is computed and compared in constant time, whichever one matches.
        """
        given = [signature.lower() for signature in signatures if signature]
        if not given or not self._keys:
            return Signature.ABSENT
        matches = 0
        for key in self._keys:
            expected = key.signature(body)
            for signature in given:
                matches += hmac.compare_digest(expected, signature)
        return Signature.GOOD if matches else Signature.WRONG

    def _load(self) -> None:
        found = [secret for file in self._files for secret in _secrets_in(file)]
        self._keys = [_Key(secret) for secret in dict.fromkeys([*self._fixed, *found])]


def _secrets_in(file: Path) -> list[bytes]:
    lines = file.read_text(encoding="utf-8").splitlines()
    if not (secrets := [line.strip().encode() for line in lines if line.strip()]):
        raise ValueError(f"{file} holds no secret")
    if any(len(secret) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"{file}: {SHORT_SECRET}")
    return secrets
