"""TLS of the public port, as the process speaks it; it needs no Kafka to."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ingress.doorway import HANDSHAKE_SECONDS, SPARE
from ingress.server import REREAD_SECONDS
from ingress.settings import Misconfigured
from ingress.tls import Tls
from tests.ingress_rig import (
    VERIFICATION,
    Connection,
    Process,
    ask,
    request,
    run,
    settings,
    until,
)

HOST = "localhost"


class Files:
    """A certificate, its key, and the CA that callers' certificates must come from."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "tls.crt"
        self.key = folder / "tls.key"
        self.client_ca = folder / "ca.crt"

    def write(self, issued: trustme.LeafCert) -> None:
        issued.private_key_pem.write_to_path(str(self.key))
        self.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))

    def variables(self, *, mutual: bool = False) -> dict[str, str]:
        named = {
            "GEOPHONE_TLS_CERTIFICATE_FILE": str(self.certificate),
            "GEOPHONE_TLS_KEY_FILE": str(self.key),
        }
        return named | ({"GEOPHONE_TLS_CLIENT_CA_FILE": str(self.client_ca)} if mutual else {})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@contextlib.asynccontextmanager
async def running(folder: Path, **variables: str) -> AsyncIterator[Process]:
    process = Process(folder, GEOPHONE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", **variables)
    try:
        await process.start()
        yield process
    finally:
        process.kill()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def status(port: int, context: ssl.SSLContext) -> int:
    """Return the status of one verification."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    try:
        writer.write(request(VERIFICATION, {}))
        return (await Connection(reader, writer).reply()).status
    finally:
        writer.close()


def protected(key: bytes) -> bytes:
    return load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")
    )


async def test_the_webhook_is_served_over_tls_and_over_nothing_else(
    files: Files, tmp_path: Path
) -> None:
    authority = trustme.CA()
    files.write(authority.issue_cert(HOST))
    async with running(tmp_path, **files.variables()) as process:
        assert await status(process.port, trusting(authority)) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await status(process.port, trusting(trustme.CA()))
        reader, writer = await asyncio.open_connection(HOST, process.port)
        writer.write(request(VERIFICATION, {}))
        with contextlib.suppress(ConnectionError):
            assert b"HTTP" not in await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_older_protocols_are_not_spoken(files: Files, tmp_path: Path) -> None:
    authority = trustme.CA()
    files.write(authority.issue_cert(HOST))
    old, oldest = trusting(authority), trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        oldest.minimum_version = oldest.maximum_version = ssl.TLSVersion.TLSv1_1
    oldest.set_ciphers("ALL:@SECLEVEL=0")
    async with running(tmp_path, **files.variables()) as process:
        assert await status(process.port, old) == 200
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await status(process.port, oldest)


async def test_a_renewed_certificate_is_taken_without_a_restart(
    files: Files, tmp_path: Path
) -> None:
    before, after = trustme.CA(), trustme.CA()
    files.write(before.issue_cert(HOST))
    async with running(tmp_path, **files.variables()) as process:
        assert await status(process.port, trusting(before)) == 200
        files.key.write_text("half a ke")
        await asyncio.sleep(REREAD_SECONDS * 1.5)
        assert await status(process.port, trusting(before)) == 200, "a broken file changes nothing"
        files.write(after.issue_cert(HOST))

        async def renewed() -> bool:
            with contextlib.suppress(ssl.SSLError):
                return await status(process.port, trusting(after)) == 200
            return False

        await until(renewed, REREAD_SECONDS * 5, 0.2)
        log = process.log.read_text()
        assert '"unreadable"' in log
        assert '"read_again"' in log


async def test_mutual_tls_lets_in_only_who_has_a_certificate(files: Files, tmp_path: Path) -> None:
    authority, callers = trustme.CA(), trustme.CA()
    files.write(authority.issue_cert(HOST))
    callers.cert_pem.write_to_path(str(files.client_ca))
    known, stranger = trusting(authority), trusting(authority)
    callers.issue_cert("seismic").configure_cert(known)
    trustme.CA().issue_cert("seismic").configure_cert(stranger)
    async with running(tmp_path, **files.variables(mutual=True)) as process:
        assert await status(process.port, known) == 200
        for context in (stranger, trusting(authority)):
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await status(process.port, context)


async def test_who_does_not_even_begin_the_handshake_counts(files: Files, tmp_path: Path) -> None:
    authority = trustme.CA()
    files.write(authority.issue_cert(HOST))
    limit = {"GEOPHONE_MAX_CONNECTIONS": "1", **files.variables()}
    async with running(tmp_path, **limit) as process:
        with contextlib.ExitStack() as stack:
            for _ in range(SPARE + 1):
                stack.enter_context(socket.create_connection((HOST, process.port)))
            await asyncio.sleep(0.5)
            with socket.create_connection((HOST, process.port)) as beyond:
                beyond.settimeout(HANDSHAKE_SECONDS / 2)
                assert await asyncio.to_thread(_is_over, beyond)
        assert await asyncio.wait_for(_eventually(process.port, trusting(authority)), 10) == 200


def _is_over(caller: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        return caller.recv(1) == b""
    return True


async def _eventually(port: int, context: ssl.SSLContext) -> int:
    while True:
        with contextlib.suppress(OSError):
            return await status(port, context)
        await asyncio.sleep(0.1)


async def test_a_caller_that_stops_halfway_is_let_go(files: Files, tmp_path: Path) -> None:
    """It closes its side without a word of TLS, and reads none of its answers."""
    authority = trustme.CA()
    files.write(authority.issue_cert(HOST))
    async with running(tmp_path, **files.variables()) as process:
        bare = socket.socket()
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        await asyncio.to_thread(bare.connect, (HOST, process.port))
        wrap = trusting(authority).wrap_socket
        with await asyncio.to_thread(wrap, bare, server_hostname=HOST) as caller:
            large = b'{"type":"verification","challenge":"' + b"a" * 1000 + b'"}'
            for _ in range(4):
                await asyncio.to_thread(caller.sendall, request(large, {}) * 10)
                await asyncio.sleep(0.2)
            caller.shutdown(socket.SHUT_WR)
            await until(lambda: _connections(process), 15, 0.5)


async def _connections(process: Process) -> bool:
    reply = await ask(process.admin_port, method="GET", path="/metrics", headers={})
    return b"geophone_ingress_connections 0.0" in reply.body


async def test_a_handshake_that_does_not_end_is_cut_off(files: Files, tmp_path: Path) -> None:
    files.write(trustme.CA().issue_cert(HOST))
    async with running(tmp_path, **files.variables()) as process:
        with socket.create_connection((HOST, process.port)) as caller:
            caller.settimeout(HANDSHAKE_SECONDS * 2)
            assert await asyncio.to_thread(caller.recv, 1) == b""


def test_a_key_of_another_certificate_is_named_at_the_start(files: Files) -> None:
    authority = trustme.CA()
    files.write(authority.issue_cert(HOST))
    authority.issue_cert(HOST).private_key_pem.write_to_path(str(files.key))
    ended = run(["--check"], GEOPHONE_SECRETS="a-secret-of-some-length", **files.variables())
    assert ended.returncode == 78
    assert "GEOPHONE_TLS_CERTIFICATE_FILE" in ended.stderr


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(files: Files) -> None:
    files.write(trustme.CA().issue_cert(HOST))
    files.key.write_bytes(protected(files.key.read_bytes()))
    chosen = settings(tls_certificate_file=files.certificate, tls_key_file=files.key)
    with pytest.raises(Misconfigured, match="password"):
        Tls.of(chosen)


@pytest.mark.parametrize("missing", ["CERTIFICATE", "KEY"])
def test_half_a_pair_is_no_tls(files: Files, missing: str) -> None:
    named = files.variables(mutual=True)
    del named[f"GEOPHONE_TLS_{missing}_FILE"]
    ended = run(["--check"], GEOPHONE_SECRETS="a-secret-of-some-length", **named)
    assert ended.returncode == 78
    assert "GEOPHONE_TLS_KEY_FILE" in ended.stderr
