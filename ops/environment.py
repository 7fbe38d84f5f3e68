"""What the services are told, in the same variables: one environment file serves them and us."""

from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.settings import PREFIX, ClusterSettings, complaints


class WrongEnvironment(ValueError):
    """A variable is wrong; the message names it, never its value."""


class Environment(ClusterSettings, BaseSettings):
    """Where Kafka is, how to log in, and what the ingress knows of secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    secrets: SecretStr | None = None
    secrets_files: str = ""

    @property
    def names_a_cluster(self) -> bool:
        """Whether it says where Kafka is, or leaves that to a default."""
        return "kafka_bootstrap_servers" in self.model_fields_set

    def signing_secret(self) -> str | None:
        """Return the first, or None: during a rotation the ingress knows several, any will do.

        Raises:
            OSError: a file of them cannot be read.
        """
        own = self.secrets.get_secret_value().split(",") if self.secrets else []
        files = [Path(each.strip()) for each in self.secrets_files.split(",") if each.strip()]
        known = own or [secret for file in files for secret in file.read_text().split()]
        return next((secret.strip() for secret in known if secret.strip()), None)


def read(kafka: str | None, prefix: str | None = None) -> Environment:
    """Read the GEOPHONE_… variables; what is given wins.

    Raises:
        WrongEnvironment: a variable cannot be used.
    """
    given = {"kafka_bootstrap_servers": kafka, "topic_prefix": prefix}
    try:
        return Environment(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise WrongEnvironment("; ".join(complaints(error))) from None
