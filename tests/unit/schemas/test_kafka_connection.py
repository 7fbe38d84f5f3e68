"""The connection becomes aiokafka's arguments, and its password never becomes text."""

import base64
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.connection import KafkaConnection
from schemas.login import TokenFile

SECRET = "hunter2-and-more"


def sasl(**changes: Any) -> KafkaConnection:
    return KafkaConnection.model_validate(
        {
            "bootstrap_servers": "kafka:9093",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "geophone",
            "sasl_password": SECRET,
        }
        | changes
    )


def test_a_plain_connection_sends_no_credentials() -> None:
    assert KafkaConnection(bootstrap_servers="a:1,b:2").client_arguments() == {
        "bootstrap_servers": "a:1,b:2",
        "security_protocol": "PLAINTEXT",
    }


def test_credentials_reach_the_client_in_its_own_words() -> None:
    arguments = sasl().client_arguments()
    context = arguments.pop("ssl_context")
    assert arguments == {
        "bootstrap_servers": "kafka:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "geophone",
        "sasl_plain_password": SECRET,
    }
    assert isinstance(context, ssl.SSLContext)


def test_the_broker_s_certificate_and_host_name_are_always_checked() -> None:
    for protocol in ("SSL", "SASL_SSL"):
        context = sasl(security_protocol=protocol).client_arguments()["ssl_context"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_sasl_without_encryption_gets_no_context() -> None:
    assert "ssl_context" not in sasl(security_protocol="SASL_PLAINTEXT").client_arguments()


def test_a_certificate_file_that_is_not_there_is_an_error_that_names_the_problem() -> None:
    with pytest.raises(FileNotFoundError):
        sasl(ssl_ca_file="/nowhere/ca.pem").client_arguments()


def test_a_password_s_file_wins_and_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    connection = sasl(sasl_password_file=file)
    for password in ("with spaces ", "another"):
        file.write_text(f"{password}\n")
        assert connection.client_arguments()["sasl_plain_password"] == password


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff"])
def test_a_file_without_a_password_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(OSError, match=str(file)):
        sasl(sasl_password_file=file).client_arguments()


def test_a_bearer_has_a_token_and_neither_user_nor_password(tmp_path: Path) -> None:
    bearer = sasl(sasl_mechanism="OAUTHBEARER", sasl_token_file=tmp_path / "token")
    with pytest.raises(OSError, match="token"):
        bearer.client_arguments()
    (tmp_path / "token").write_text("opaque")
    arguments = bearer.client_arguments()
    assert isinstance(arguments["sasl_oauth_token_provider"], TokenFile)
    assert [name for name in arguments if "plain" in name] == []
    with pytest.raises(OSError, match="token"):
        sasl(sasl_mechanism="OAUTHBEARER").client_arguments()


def jwt(**claims: Any) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + ".sig"


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=time.time() + 86_400, sub="u" * 100)],
)
async def test_a_token_is_taken_as_it_is(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(f"{token}\n")
    assert await TokenFile(tmp_path / "token").token() == token


async def test_a_token_that_has_expired_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token := jwt(exp=time.time() - 90))
    with pytest.raises(OSError, match=rf"{file} expired \d+ s ago") as refused:
        await TokenFile(file).token()
    assert token not in str(refused.value)


def test_the_password_is_in_no_text_of_the_connection() -> None:
    connection = sasl()
    for text in (repr(connection), str(connection), connection.model_dump_json()):
        assert SECRET not in text
    assert SECRET not in f"{connection.model_dump()}"


@pytest.mark.parametrize(
    "wrong",
    [{"sasl_pasword": SECRET}, {"sasl_password": [SECRET]}, {"sasl_mechanism": SECRET}],
)
def test_the_error_that_refuses_a_setting_does_not_quote_it(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        sasl(**wrong)
    assert next(iter(wrong)) in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_connection_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        sasl().bootstrap_servers = "elsewhere:9092"  # type: ignore[misc]  # the point of the test
