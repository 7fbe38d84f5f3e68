"""Settings of the ingress process, read once from GEOPHONE_… variables."""

import ssl
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.settings import PREFIX, ClusterSettings, complaints
from schemas.topics import MAX_MESSAGE_BYTES

ROOM_FOR_HEADERS = 64 * 1024
"""What a record needs beside its body: names are bounded (schemas.envelope.MAX_NAME)."""

MIN_SECRET_BYTES = 16
"""A shorter one can be found by trying: whoever has one signed body has all that takes."""

SHORT_SECRET = f"a secret is shorter than {MIN_SECRET_BYTES} bytes; have Seismic issue another one"

SENDER_WAITS_SECONDS = 3.0
"""Seismic's documented limit for an answer (developer.seismic.com, page events)."""


EX_CONFIG = 78
"""What the process ends with if its settings are wrong: the same again is of no use."""


class Misconfigured(Exception):
    """The operator's to mend: the message names each variable and what to do."""


class Settings(ClusterSettings, BaseSettings):
    """Everything an operator can choose; the descriptions are what `--help` prints."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="The app's signing secrets, comma separated; any of them may match."
    )
    secrets_files: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Files with one secret per line, comma separated; read again when they change.",
    )
    allow_unsigned: bool = Field(
        default=False, description="Store events that carry no signature. Only for closed networks."
    )

    host: str = Field("0.0.0.0", description="Address the webhook is served on.")  # noqa: S104 - a webhook's caller is outside
    port: int = Field(8080, ge=0, le=65535, description="Its port; 0 picks a free one.")
    webhook_path: str = Field(
        "/webhook",
        pattern=r"^/[A-Za-z0-9._~/-]*$",
        description="The one path for events, verifications and lifecycle callbacks.",
    )
    tls_certificate_file: Path | None = Field(
        None,
        description="PEM file with the certificate chain of the webhook's port: it then speaks TLS "
        "1.2 or newer. Read again when it changes.",
    )
    tls_key_file: Path | None = Field(None, description="PEM file with its key.")
    tls_client_ca_file: Path | None = Field(
        None,
        description="CA bundle; only callers with a certificate of one of these CAs are let in.",
    )
    admin_host: str = Field("0.0.0.0", description="Address of /livez, /readyz, /metrics.")  # noqa: S104 - probes and Prometheus come from outside
    admin_port: int = Field(9090, ge=0, le=65535, description="Their port; 0 picks a free one.")
    ready_file: Path | None = Field(
        None, description="Written once serving: JSON with url, admin_url, pid, for a supervisor."
    )

    max_body_bytes: int = Field(
        1024 * 1024,
        ge=1,
        le=MAX_MESSAGE_BYTES - ROOM_FOR_HEADERS,
        description="Largest body in bytes; a larger one is answered 413.",
    )
    max_header_bytes: int = Field(
        16 * 1024, ge=1024, description="Largest path and headers of a request together, in bytes."
    )
    max_connections: int = Field(
        4096, ge=1, description="Connections at once; those beyond it are answered 503."
    )
    max_connections_per_address: int = Field(
        0,
        ge=0,
        description="The same of one address; 0 for no limit, which is right behind a load "
        "balancer: there all come from a few.",
    )
    header_seconds: float = Field(
        5.0, gt=0, description="Longest time from a request's first byte to the end of its headers."
    )
    deadline_seconds: float = Field(
        2.5,
        gt=0,
        lt=SENDER_WAITS_SECONDS,
        description="Longest time to an answer; Seismic gives up after 3 s.",
    )
    retry_after_seconds: int = Field(5, ge=0, description="Retry-After of every 503.")
    max_in_flight: int = Field(
        10_000, ge=1, description="Records that may wait for Kafka; beyond it the answer is 503."
    )
    max_in_flight_bytes: int = Field(
        32 * 1024 * 1024, ge=1, description="The same in bytes of their bodies."
    )
    fast_lane: bool = Field(
        default=True,
        description="Answer events that arrive whole without the web framework; the answers are "
        "the same.",
    )
    workers: int = Field(
        1,
        ge=0,
        le=256,
        description="Processes that share the port; 0 for one per core of the machine. Each has a "
        "Kafka producer and limits of its own. SIGHUP renews them one by one.",
    )
    keep_alive_seconds: int = Field(
        30,
        ge=1,
        description="Idle connections are kept so long. Behind a load balancer: longer than it "
        "keeps them; the chart says 75.",
    )
    drain_seconds: float = Field(
        5.0, ge=0, description="After SIGTERM: not ready, but still serving, for so long."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Of all logs. DEBUG names every request, never its content."
    )

    @field_validator("secrets", "secrets_files", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("secrets")
    @classmethod
    def _secrets_are_long(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES for secret in secrets):
            raise ValueError(SHORT_SECRET)
        return secrets

    @model_validator(mode="after")
    def _can_tell_who_calls(self) -> Self:
        if not (self.secrets or self.secrets_files or self.allow_unsigned):
            raise ValueError(
                "GEOPHONE_SECRETS: set it (or GEOPHONE_SECRETS_FILES) to the signing secret of the "
                "Seismic app, or set GEOPHONE_ALLOW_UNSIGNED=true to store what anybody sends"
            )
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        named = [self.tls_certificate_file, self.tls_key_file]
        if any(named) != all(named) or (self.tls_client_ca_file and not any(named)):
            raise ValueError(
                "GEOPHONE_TLS_CERTIFICATE_FILE: set it and GEOPHONE_TLS_KEY_FILE, or neither "
                "(and then no GEOPHONE_TLS_CLIENT_CA_FILE)"
            )
        return self

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.max_in_flight_bytes < self.max_body_bytes:
            raise ValueError(
                "GEOPHONE_MAX_IN_FLIGHT_BYTES: make it at least GEOPHONE_MAX_BODY_BYTES "
                f"({self.max_body_bytes}), or a large event could never be stored"
            )
        return self

    def kafka_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments every aiokafka client takes; reads the files of the login.

        Raises:
            Misconfigured: a file is missing, or does not hold what it should.
        """
        try:
            return self.connection().client_arguments()
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(
                f"GEOPHONE_KAFKA_…_FILE: {error}; GEOPHONE_KAFKA_SSL_CA_FILE, …_CERTIFICATE_FILE "
                "and …_KEY_FILE name PEM files, GEOPHONE_KAFKA_SASL_PASSWORD_FILE and "
                "…_TOKEN_FILE text files, all of which this process may read"
            ) from error


def read() -> Settings:
    """Read the environment, once.

    Raises:
        Misconfigured: a variable is missing or wrong; nothing has been connected to yet.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise Misconfigured("\n".join(complaints(error))) from None
