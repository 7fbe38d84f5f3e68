"""How a process is told where Kafka is, and as whom: the shape of the setting, for all of them."""

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from schemas.login import TokenFile, secret_in

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class KafkaConnection(BaseModel):
    """Address and credentials of the cluster; the values are librdkafka's and Java's own words."""

    # A misspelt or mistyped password must not be quoted by the error that refuses it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    bootstrap_servers: str = "localhost:9092"
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    sasl_token_file: Path | None = None
    ssl_ca_file: Path | None = None
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None

    def client_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments every aiokafka client takes.

        Reads the files that are named: a client made later takes what they hold then.

        Raises:
            OSError, ssl.SSLError: a file is missing or does not hold what it should.
        """
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in ("SSL", "SASL_SSL"):
            arguments["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments |= self._credentials()
        return arguments

    def password(self) -> str | None:
        """Return the password, from its file if it has one.

        Raises:
            OSError: the file cannot be read or is empty.
        """
        if self.sasl_password_file:
            return secret_in(self.sasl_password_file)
        return self.sasl_password.get_secret_value() if self.sasl_password else None

    def _credentials(self) -> dict[str, Any]:
        if self.sasl_mechanism != "OAUTHBEARER":
            return {
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.password(),
            }
        if self.sasl_token_file is None:
            raise OSError("OAUTHBEARER needs a file with the token")
        secret_in(self.sasl_token_file)
        return {"sasl_oauth_token_provider": TokenFile(self.sasl_token_file)}

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ssl_ca_file)
        if self.ssl_certificate_file:
            context.load_cert_chain(self.ssl_certificate_file, self.ssl_key_file)
        return context
