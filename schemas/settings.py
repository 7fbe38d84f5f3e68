"""The settings both processes share, word for word: where Kafka is, and what its topics are.

Only their shape: each process reads its own environment, into a class of its own.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator

from schemas.connection import KafkaConnection, Mechanism, Protocol
from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, Topics

PREFIX = "GEOPHONE_"


class ClusterSettings(BaseModel):
    """To be inherited beside pydantic-settings' base; the descriptions are what `--help` prints."""

    kafka_bootstrap_servers: str = Field(
        "localhost:9092",
        pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$",
        description="HOST:PORT, comma separated.",
    )
    kafka_security_protocol: Protocol = Field("PLAINTEXT", description="As in Kafka's own clients.")
    kafka_sasl_mechanism: Mechanism = Field("PLAIN", description="Used with the SASL protocols.")
    kafka_sasl_username: str | None = Field(None, description="SASL user.")
    kafka_sasl_password: SecretStr | None = Field(None, description="SASL password.")
    kafka_sasl_password_file: Path | None = Field(
        None, description="File with it instead; wins, and is read whenever a client is made."
    )
    kafka_sasl_token_file: Path | None = Field(
        None,
        description="File with the token of OAUTHBEARER, kept fresh by others (a projected service "
        "account token, say); read at each connection.",
    )
    kafka_ssl_ca_file: Path | None = Field(None, description="CA bundle; the system's if unset.")
    kafka_ssl_certificate_file: Path | None = Field(None, description="Client certificate.")
    kafka_ssl_key_file: Path | None = Field(None, description="Key of the client certificate.")

    topic_prefix: str = Field(
        DEFAULT_PREFIX,
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description="Prefix of every topic's name.",
    )
    topic_mode: Literal["verify", "create", "off"] = Field(
        "verify", description="At start: check the topics, create what is missing, or neither."
    )
    topic_partitions: int = Field(
        DEFAULT_PARTITIONS, ge=1, description="Partitions of every topic; never change it."
    )
    topic_replication: int = Field(3, ge=1, description="Replication factor, used by `create`.")
    legacy_tenant: str = Field(
        "legacy",
        pattern=r"^[^\x00-\x1f\x7f]{1,512}$",
        description="Tenant of legacy payloads that name none.",
    )

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and (lacks := self._lacks()):
            raise ValueError(
                f"{lacks}, GEOPHONE_KAFKA_SECURITY_PROTOCOL is {self.kafka_security_protocol}"
            )
        return self

    def _lacks(self) -> str | None:
        if self.kafka_sasl_mechanism == "OAUTHBEARER":
            return None if self.kafka_sasl_token_file else "GEOPHONE_KAFKA_SASL_TOKEN_FILE: set it"
        password = self.kafka_sasl_password or self.kafka_sasl_password_file
        if not (self.kafka_sasl_username and password):
            return (
                "GEOPHONE_KAFKA_SASL_USERNAME and GEOPHONE_KAFKA_SASL_PASSWORD (or "
                "GEOPHONE_KAFKA_SASL_PASSWORD_FILE): set both"
            )
        return None

    def connection(self) -> KafkaConnection:
        """Return how to reach Kafka."""
        return KafkaConnection(
            **{name: getattr(self, f"kafka_{name}") for name in KafkaConnection.model_fields}
        )

    def topics(self) -> Topics:
        """Return the table of topics under the configured prefix."""
        return Topics(self.topic_prefix)


def complaints(error: ValidationError) -> list[str]:
    """Return a sentence for each thing that is wrong with settings read from the environment.

    It names the variable, never its value: one of them may be a secret. A complaint about several
    variables names them itself.
    """
    return [
        f"{_variable(each['loc'])}{each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{location[0]}: ".upper() if location else ""
