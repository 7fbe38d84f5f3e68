"""A broker with one door for every way of logging in, and what a process is told to pass it."""

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # names it does not list
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ops.kafka.cluster import LocalKafka
from ops.kafka.members import settle
from ops.ports import HOST, free_ports

USER, RIGHT, WRONG = "geophone", "the-right-password", "the-wrong-password"
SCRAM = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
WAYS = ("certificate", "PLAIN", *SCRAM, "OAUTHBEARER")
MODULES = "org.apache.kafka.common.security"
JAAS = {
    "PLAIN": f'{MODULES}.plain.PlainLoginModule required user_{USER}="{RIGHT}";',
    "SCRAM-SHA-256": f"{MODULES}.scram.ScramLoginModule required;",
    "SCRAM-SHA-512": f"{MODULES}.scram.ScramLoginModule required;",
    # Without an issuer Kafka takes unsigned tokens (RFC 7519, 6): still with a subject and an end.
    "OAUTHBEARER": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required "
    'unsecuredLoginStringClaim_sub="broker";',
}
HOUR = 3600.0


@dataclass
class Guarded:
    """A running broker; its plain door is for the test alone."""

    local: LocalKafka
    folder: Path
    doors: Mapping[str, str]
    authority: trustme.CA

    def variables(self, way: str) -> dict[str, str]:
        """Return GEOPHONE_KAFKA_… variables, and the files they name, that pass the door."""
        named = {
            "BOOTSTRAP_SERVERS": self.doors[way],
            "SECURITY_PROTOCOL": "SSL" if way == "certificate" else "SASL_SSL",
            "SSL_CA_FILE": str(self.folder / "ca.pem"),
            **(self._identity() if way == "certificate" else self._login(way)),
        }
        return {f"GEOPHONE_KAFKA_{name}": value for name, value in named.items()}

    def strangers(self, way: str) -> dict[str, str]:
        """Return the same with a certificate, password or token that the broker refuses."""
        known = self.variables(way)
        if way == "certificate":
            stranger = trustme.CA().issue_cert(USER)
            known["GEOPHONE_KAFKA_SSL_CERTIFICATE_FILE"] = str(self.folder / "stranger.pem")
            known["GEOPHONE_KAFKA_SSL_KEY_FILE"] = str(self.folder / "stranger.pem")
            stranger.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "stranger.pem"))
        elif way == "OAUTHBEARER":
            known["GEOPHONE_KAFKA_SASL_TOKEN_FILE"] = str(self.folder / "old.jwt")
            write_token(self.folder / "old.jwt", -1)
        else:
            known["GEOPHONE_KAFKA_SASL_PASSWORD"] = WRONG
        return known

    def secret(self, way: str) -> str:
        """Return what may be in no log."""
        file = {"certificate": "client.pem", "OAUTHBEARER": "token.jwt"}.get(way)
        # The longest line: of a key, its first one; a token has no other.
        return max((self.folder / file).read_text().splitlines(), key=len) if file else RIGHT

    def _identity(self) -> dict[str, str]:
        file = self.folder / "client.pem"
        self.authority.issue_cert(USER).private_key_and_cert_chain_pem.write_to_path(str(file))
        return {"SSL_CERTIFICATE_FILE": str(file), "SSL_KEY_FILE": str(file)}

    def _login(self, way: str) -> dict[str, str]:
        if way != "OAUTHBEARER":
            return {"SASL_MECHANISM": way, "SASL_USERNAME": USER, "SASL_PASSWORD": RIGHT}
        write_token(self.folder / "token.jwt", HOUR)
        return {"SASL_MECHANISM": way, "SASL_TOKEN_FILE": str(self.folder / "token.jwt")}

    def set_password(self, password: str) -> None:
        """Make this the user's password with both SCRAM mechanisms."""
        admin = AdminClient({"bootstrap.servers": self.local.bootstrap_servers})
        for mechanism in SCRAM.values():
            info = ScramCredentialInfo(mechanism, 4096)
            change = UserScramCredentialUpsertion(USER, info, password.encode())
            # One at a time: Kafka takes a user once per request.
            for future in admin.alter_user_scram_credentials([change]).values():
                future.result(30)


@asynccontextmanager
async def guarded(folder: Path, **more: object) -> AsyncIterator[Guarded]:
    """Start a broker with all doors; `more` are lines of server.properties, `_` for a dot."""
    authority = trustme.CA()
    doors = dict(zip(WAYS, (f"{HOST}:{port}" for port in free_ports(len(WAYS))), strict=True))
    lines = {**_listeners(folder, doors), **_trust(folder, authority), **_logins()}
    lines |= {name.replace("_", "."): value for name, value in more.items()}
    local = LocalKafka(folder, 1, lines)
    await local.start()
    found = Guarded(local, folder, doors, authority)
    try:
        found.set_password(RIGHT)
        yield found
    finally:
        await local.stop()


def write_token(file: Path, seconds: float) -> None:
    """Write a token that is good for so long; the file changes in one step."""
    now = time.time()
    header = {"alg": "none"}
    claims = {"sub": USER, "iat": min(now, now + seconds) - 1, "exp": now + seconds}
    fresh = file.with_suffix(".fresh")
    fresh.write_text(f"{_base64(header)}.{_base64(claims)}.\n", encoding="ascii")
    fresh.rename(file)


def _base64(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _listeners(folder: Path, doors: Mapping[str, str]) -> dict[str, object]:
    folder.mkdir()
    (member,) = settle(folder / "kafka.json", 1, lambda _: None).nodes
    open_doors = [f"PLAINTEXT://{HOST}:{member.port}"]
    open_doors += [f"{_name(way)}://{door}" for way, door in doors.items()]
    kinds = {_name(way): "SSL" if way == "certificate" else "SASL_SSL" for way in doors}
    kinds |= {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    return {
        "listeners": ",".join([*open_doors, f"CONTROLLER://{HOST}:{member.controller_port}"]),
        "advertised.listeners": ",".join(open_doors),
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in kinds.items()),
        "inter.broker.listener.name": "PLAINTEXT",
    }


def _trust(folder: Path, authority: trustme.CA) -> dict[str, object]:
    """Kafka reads PEM, but keys in PKCS #8 only."""
    issued = authority.issue_cert(HOST)
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
    (folder / "broker.pem").write_bytes(pem + chain)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "broker.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder / "ca.pem",
        f"listener.name.{_name('certificate').lower()}.ssl.client.auth": "required",
    }


def _logins() -> dict[str, object]:
    lines: dict[str, object] = {}
    for way, jaas in JAAS.items():
        listener = f"listener.name.{_name(way).lower()}"
        lines[f"{listener}.sasl.enabled.mechanisms"] = way
        lines[f"{listener}.{way.lower()}.sasl.jaas.config"] = jaas
    return lines


def _name(way: str) -> str:
    return way.upper().replace("-", "_")
