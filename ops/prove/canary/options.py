"""From the command's options and the services' own variables to a plan."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ops.prove.canary.plan import CanaryPlan, CannotJudge
from schemas.connection import KafkaConnection
from schemas.settings import ClusterSettings


class _Environment(ClusterSettings, BaseSettings):
    """What the services are told, so that one environment file serves them and the canary."""

    model_config = SettingsConfigDict(env_prefix="GEOPHONE_", frozen=True, extra="ignore")

    secrets: SecretStr | None = None
    secrets_files: str = ""


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
        given: dict[str, Any] = {"kafka_bootstrap_servers": kafka, "topic_prefix": prefix}
        read = _environment({name: value for name, value in given.items() if value is not None})
        self.kafka: KafkaConnection = read.connection()
        self.prefix: str = read.topic_prefix
        self.secret: str = _secret(secret_file, read)


def _environment(given: dict[str, Any]) -> _Environment:
    try:
        return _Environment(**given)
    except ValidationError as error:
        complaints = error.errors(include_input=False, include_url=False, include_context=False)
        raise CannotJudge("; ".join(_complaint(each) for each in complaints)) from None


def _complaint(error: Any) -> str:
    variable = "".join(f"GEOPHONE_{str(each).upper()}: " for each in error["loc"][:1])
    return f"{variable}{error['msg'].removeprefix('Value error, ')}"


def _secret(given: Path | None, environment: _Environment) -> str:
    """Take the first: during a rotation the ingress knows several, and any of them will do."""
    own = environment.secrets.get_secret_value().split(",") if environment.secrets else []
    files = [Path(each.strip()) for each in environment.secrets_files.split(",") if each.strip()]
    for file in [given] if given else [] if own else files:
        own = _lines(file)
    for secret in own:
        if secret.strip():
            return secret.strip()
    raise CannotJudge(
        "no secret to sign with: give --secret-file, or set GEOPHONE_SECRETS_FILES or "
        "GEOPHONE_SECRETS as the ingress has it"
    )


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError as error:
        raise CannotJudge(f"the secret cannot be read: {error}") from error
