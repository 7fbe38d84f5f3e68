"""The certificates of a cluster, and the kubeconfigs that use them."""

import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


class Authority:
    """A CA for one run; everything it signs lies in `folder` as NAME.crt and NAME.key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("geophone-test-ca", ())
        usage = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = self._signed(self._name, self._key, [(usage, True)])
        self.file = folder / "ca.crt"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def server(self, name: str, hosts: Sequence[str]) -> None:
        named = x509.SubjectAlternativeName([_host(each) for each in hosts])
        self._issue(name, (), name, [(named, False)])

    def client(self, name: str, user: str, *groups: str) -> None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        self._issue(user, groups, name, [(usage, False)])

    def kubeconfig(self, name: str, server: str, user: str, *groups: str) -> Path:
        """Write the way into the API server for a user; return the file."""
        self.client(name, user, *groups)
        login = {"client-certificate": f"{name}.crt", "client-key": f"{name}.key"}
        told = {
            "clusters": [
                {"name": "c", "cluster": {"server": server, "certificate-authority": "ca.crt"}}
            ],
            "users": [{"name": "u", "user": login}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        file = self.folder / f"{name}.kubeconfig"
        file.write_text(json.dumps(told))
        return file

    def signing_key(self, name: str) -> None:
        """Write a key pair without a certificate, for service accounts."""
        key = ec.generate_private_key(ec.SECP256R1())
        _write(self.folder / f"{name}.key", key)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.folder / f"{name}.pub").write_bytes(public)

    def _issue(
        self,
        common: str,
        groups: Sequence[str],
        file: str,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(_name(common, groups), key, extensions)
        (self.folder / f"{file}.crt").write_bytes(signed.public_bytes(Encoding.PEM))
        _write(self.folder / f"{file}.key", key)

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())


def _name(common: str, groups: Sequence[str]) -> x509.Name:
    named = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*named, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem)
