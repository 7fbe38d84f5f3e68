"""From the command's options and the services' own variables to a plan."""

from pathlib import Path
from typing import Any

from ops import environment
from ops.environment import Environment, WrongEnvironment
from ops.prove.canary.plan import CanaryPlan, CannotJudge
from schemas.connection import KafkaConnection


def plan_of(
    url: str, kafka: str | None, prefix: str | None, secret_file: Path | None, **chosen: Any
) -> CanaryPlan:
    """Return a plan for the installation; `chosen` are further fields of the plan.

    Raises:
        CannotJudge: something is missing or wrong; names it, never a secret's value.
    """
    found = Installation(kafka, prefix, secret_file)
    return CanaryPlan(url, found.secret, found.kafka, found.prefix, **chosen)


class Installation:
    """Where Kafka is, the prefix of the topics, and the signing secret."""

    def __init__(self, kafka: str | None, prefix: str | None, secret_file: Path | None) -> None:
        """Take what is given, and the rest from GEOPHONE_… variables.

        Raises:
            CannotJudge: a variable is wrong, or there is no secret; names it, never its value.
        """
        try:
            read = environment.read(kafka, prefix)
        except WrongEnvironment as error:
            raise CannotJudge(str(error)) from None
        self.kafka: KafkaConnection = read.connection()
        self.prefix: str = read.topic_prefix
        self.secret: str = _secret(secret_file, read)


def _secret(given: Path | None, found: Environment) -> str:
    """Take the first of the given file, or of what the ingress knows."""
    try:
        secret = next(iter(given.read_text().split()), None) if given else found.signing_secret()
    except OSError as error:
        raise CannotJudge(f"the secret cannot be read: {error}") from error
    if secret:
        return secret
    raise CannotJudge(
        "no secret to sign with: give --secret-file, or set GEOPHONE_SECRETS_FILES or "
        "GEOPHONE_SECRETS as the ingress has it"
    )
