"""Where a connector's secret comes from: the options themselves, or a file named there."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from streams.crm import Unavailable


class InFile(BaseModel):
    """A file that holds the secret and nothing else; read again whenever a token is renewed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path


Secret = SecretStr | InFile
"""In YAML `secret: text` or `secret: {file: /run/secrets/name}`."""


def reveal(secret: Secret) -> str:
    """Return the secret as it is now, without surrounding white space.

    Raises:
        Unavailable: the file cannot be read or is empty; the message names the file.
    """
    if isinstance(secret, SecretStr):
        return secret.get_secret_value()
    try:
        text = secret.file.read_text().strip()
    except (OSError, ValueError) as error:
        raise Unavailable(f"cannot read {secret.file.name}: {type(error).__name__}") from error
    if not text:
        raise Unavailable(f"{secret.file.name} is empty")
    return text
