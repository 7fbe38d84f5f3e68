"""TLS of the public port: its certificate, and whose certificates it asks for.

The files may change at any time; new connections are made with what they hold then.
"""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingress.changes import Changes
from ingress.settings import Misconfigured, Settings


class Newest(ssl.SSLContext):
    """The context a server is given: every connection is made by the newest one.

    `began` is told of every handshake, and may raise ssl.SSLError to end it.
    """

    newest: ssl.SSLContext
    began: Callable[[ssl.SSLObject], None]

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        made = self.newest.wrap_bio(*arguments, **named)
        self.began(made)
        return made


class Tls:
    """What the settings say, as of the last look at the files."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self.context = Newest(ssl.PROTOCOL_TLS_SERVER)
        files = [file for file in (certificate, key, client_ca) if file]
        self.changes = Changes("certificates", files, self._load)

    @classmethod
    def of(cls, settings: Settings) -> "Tls | None":
        """Read the files that the settings name; None if they ask for no TLS.

        Raises:
            Misconfigured: a file cannot be read, or the key is not the certificate's.
        """
        if not (settings.tls_certificate_file and settings.tls_key_file):
            return None
        tls = cls(settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file)
        try:
            tls.changes.read()
        except OSError as error:
            raise Misconfigured(
                f"GEOPHONE_TLS_CERTIFICATE_FILE, …_KEY_FILE or …_CLIENT_CA_FILE: {error}; "
                "name PEM files that this process may read, the key being the certificate's"
            ) from error
        return tls

    def _load(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self._certificate, self._key, _no_password)
        if self._client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._client_ca)
        self.context.newest = context


def _no_password() -> str:
    """Else OpenSSL asks on the terminal, and the process stands still."""
    raise ssl.SSLError("the key has a password; keep it in a file without one")
