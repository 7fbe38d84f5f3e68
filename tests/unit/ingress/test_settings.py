"""Settings: the examples mean what they say, and a mistake is named before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from ingress import usage
from ingress.settings import Misconfigured, Settings, read
from ingress.topics import written

DEPLOY = Path(__file__).parents[3] / "deploy"

DEFAULTS: dict[str, Any] = {
    "secrets": (),
    "secrets_files": (),
    "allow_unsigned": False,
    "host": "0.0.0.0",  # noqa: S104 - compared, not bound
    "port": 8080,
    "webhook_path": "/webhook",
    "admin_host": "0.0.0.0",  # noqa: S104 - the same
    "admin_port": 9090,
    "ready_file": None,
    "kafka_bootstrap_servers": "localhost:9092",
    "kafka_security_protocol": "PLAINTEXT",
    "kafka_sasl_mechanism": "PLAIN",
    "kafka_sasl_username": None,
    "kafka_sasl_password": None,
    "kafka_sasl_password_file": None,
    "kafka_sasl_token_file": None,
    "kafka_ssl_ca_file": None,
    "kafka_ssl_certificate_file": None,
    "kafka_ssl_key_file": None,
    "topic_prefix": "seismic.",
    "topic_mode": "verify",
    "topic_partitions": 12,
    "topic_replication": 3,
    "legacy_tenant": "legacy",
    "max_body_bytes": 1_048_576,
    "tls_certificate_file": None,
    "tls_key_file": None,
    "tls_client_ca_file": None,
    "max_header_bytes": 16 * 1024,
    "max_connections": 4096,
    "max_connections_per_address": 0,
    "header_seconds": 5.0,
    "deadline_seconds": 2.5,
    "retry_after_seconds": 5,
    "max_in_flight": 10_000,
    "max_in_flight_bytes": 33_554_432,
    "fast_lane": True,
    "workers": 1,
    "keep_alive_seconds": 30,
    "drain_seconds": 5.0,
    "log_level": "INFO",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(f"GEOPHONE_{name.upper()}", raising=False)


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Set an example's variables; return their names."""
    lines = (DEPLOY / f"ingress.{name}.env").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    for variable, value in pairs:
        monkeypatch.setenv(variable, value)
    return {variable for variable, _ in pairs}


def plain(settings: Settings) -> dict[str, Any]:
    values = dict(settings)
    values["secrets"] = tuple(secret.get_secret_value() for secret in settings.secrets)
    if settings.kafka_sasl_password:
        values["kafka_sasl_password"] = settings.kafka_sasl_password.get_secret_value()
    return values


def test_the_minimal_example_leaves_the_rest_to_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example("minimal", monkeypatch)
    assert plain(read()) == DEFAULTS | {
        "secrets": ("the-signing-secret-of-your-seismic-app",),
        "kafka_bootstrap_servers": "kafka-1:9092,kafka-2:9092,kafka-3:9092",
    }


def test_the_extended_example_has_every_setting_and_shows_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = example("extended", monkeypatch)
    assert named == {f"GEOPHONE_{name.upper()}" for name in DEFAULTS}
    assert plain(read()) == DEFAULTS | {
        "secrets": ("the-new-signing-secret", "the-old-signing-secret"),
        "secrets_files": (Path("/run/secrets/seismic"),),
        "ready_file": Path("/run/geophone/ingress.json"),
        "tls_certificate_file": Path("/etc/geophone/tls/tls.crt"),
        "tls_key_file": Path("/etc/geophone/tls/tls.key"),
        "tls_client_ca_file": Path("/etc/geophone/tls/ca.crt"),
        "kafka_bootstrap_servers": "kafka-1:9093",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "geophone",
        "kafka_sasl_password": "the-password-in-kafka",
        "kafka_sasl_password_file": Path("/run/secrets/kafka"),
        "kafka_sasl_token_file": Path("/run/secrets/token"),
        "kafka_ssl_ca_file": Path("/etc/kafka/ca.pem"),
        "kafka_ssl_certificate_file": Path("/etc/kafka/client.pem"),
        "kafka_ssl_key_file": Path("/etc/kafka/client.key"),
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GEOPHONE_PORT", "http"),
        ("GEOPHONE_PORT", "65536"),
        ("GEOPHONE_DEADLINE_SECONDS", "3"),
        ("GEOPHONE_DEADLINE_SECONDS", "0"),
        ("GEOPHONE_MAX_BODY_BYTES", "2097152"),
        ("GEOPHONE_MAX_IN_FLIGHT_BYTES", "1000"),
        ("GEOPHONE_WEBHOOK_PATH", "webhook"),
        ("GEOPHONE_WEBHOOK_PATH", "/{id}"),
        ("GEOPHONE_TOPIC_MODE", "guess"),
        ("GEOPHONE_TOPIC_PREFIX", "a b"),
        ("GEOPHONE_TOPIC_PARTITIONS", "0"),
        ("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("GEOPHONE_LOG_LEVEL", "verbose"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv(variable, value)
    with pytest.raises(Misconfigured, match=variable):
        read()


def test_every_mistake_is_in_the_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_PORT", "x")
    monkeypatch.setenv("GEOPHONE_TOPIC_MODE", "x")
    with pytest.raises(Misconfigured) as caught:
        read()
    assert "GEOPHONE_PORT" in str(caught.value)
    assert "GEOPHONE_TOPIC_MODE" in str(caught.value)


@pytest.mark.parametrize("secrets", [None, "", " , "])
def test_without_a_secret_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, secrets: str | None
) -> None:
    if secrets is not None:
        monkeypatch.setenv("GEOPHONE_SECRETS", secrets)
    with pytest.raises(Misconfigured, match=r"GEOPHONE_SECRETS.*GEOPHONE_ALLOW_UNSIGNED"):
        read()


@pytest.mark.parametrize("secrets", ["fifteen-letters", "long-enough-to-be-one,short"])
def test_with_a_short_secret_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, secrets: str
) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", secrets)
    with pytest.raises(Misconfigured, match=r"GEOPHONE_SECRETS.*shorter than 16") as caught:
        read()
    assert "short," not in str(caught.value)
    assert "fifteen" not in str(caught.value)


def test_unsigned_is_possible_but_has_to_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_ALLOW_UNSIGNED", "true")
    assert read().secrets == ()


def test_sasl_needs_a_user_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_USERNAME", "geophone")
    with pytest.raises(Misconfigured, match="GEOPHONE_KAFKA_SASL_PASSWORD"):
        read()


def test_a_bearer_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_MECHANISM", "OAUTHBEARER")
    with pytest.raises(Misconfigured, match="GEOPHONE_KAFKA_SASL_TOKEN_FILE: set it"):
        read()
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_TOKEN_FILE", "/run/secrets/token")
    assert read().connection().sasl_token_file == Path("/run/secrets/token")


def test_a_missing_password_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_USERNAME", "geophone")
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(Misconfigured, match=r"/nowhere/password.*GEOPHONE_KAFKA_SASL_PASSWORD_FI"):
        read().kafka_arguments()


def test_a_missing_certificate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("GEOPHONE_KAFKA_SSL_CA_FILE", "/nowhere/ca.pem")
    with pytest.raises(Misconfigured, match="GEOPHONE_KAFKA_SSL_CA_FILE"):
        read().kafka_arguments()


@pytest.mark.parametrize("variable", ["GEOPHONE_SECRETS", "GEOPHONE_KAFKA_SASL_PASSWORD"])
def test_a_secret_is_in_no_message_and_no_text(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "hush-hush-hush-hush")
    monkeypatch.setenv(variable, "canary-canary-canary")
    assert "canary" not in repr(read())
    monkeypatch.setenv("GEOPHONE_PORT", "x")
    with pytest.raises(Misconfigured) as caught:
        read()
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_help_names_every_variable_with_its_default() -> None:
    text = usage.text()
    for name, default in DEFAULTS.items():
        entry = text.split(f"  GEOPHONE_{name.upper()}\n", 1)[1].split("\n  GEOPHONE_", 1)[0]
        shown = "unset" if default in (None, ()) else str(default)
        assert shown.lower() in entry.lower()
    assert "None" not in text


def test_the_ingress_writes_three_topics() -> None:
    names = [topic.name for topic in written(Settings(secrets="hush-hush-hush-hush").topics())]
    assert names == ["seismic.raw", "seismic.quarantine", "seismic.lifecycle"]
