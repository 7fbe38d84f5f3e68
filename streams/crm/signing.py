"""The shared secret of Standard Webhooks 1.0.0: `whsec_` + base64 of 24 to 64 bytes."""

from base64 import b64decode

from standardwebhooks import Webhook

_PREFIX = "whsec_"
_SIZES = range(24, 65)  # the standard's bounds: shorter is guessable, longer gains nothing


class BadSecret(ValueError):
    """The operator's secret is no Standard Webhooks secret; the message does not repeat it."""


def signer(secret: str) -> Webhook:
    """Return what signs and verifies with this secret.

    Raises:
        BadSecret: not base64, or not 24 to 64 bytes.
    """
    return Webhook(_key(secret))


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as error:
        raise BadSecret(f"the CRM's secret must be {_PREFIX} followed by base64") from error
    if len(key) not in _SIZES:
        raise BadSecret(f"the CRM's secret must hold 24 to 64 bytes, not {len(key)}")
    return key
