"""How a process is told where Kafka is, and as whom: the shape of the setting, for all of them."""

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr


class KafkaConnection(BaseModel):
    """Address and credentials of the cluster; the values are librdkafka's and Java's own words."""

    # A misspelt or mistyped password must not be quoted by the error that refuses it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    bootstrap_servers: str = "localhost:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: Path | None = None
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None

    def client_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments every aiokafka client takes.

        Reads the certificate files if there are any.

        Raises:
            OSError, ssl.SSLError: a file is missing or holds no certificate.
        """
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in ("SSL", "SASL_SSL"):
            arguments["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments["sasl_plain_username"] = self.sasl_username
            password = self.sasl_password
            arguments["sasl_plain_password"] = password.get_secret_value() if password else None
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ssl_ca_file)
        if self.ssl_certificate_file:
            context.load_cert_chain(self.ssl_certificate_file, self.ssl_key_file)
        return context
