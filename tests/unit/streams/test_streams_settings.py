"""Settings come from GEOPHONE_ variables; a wrong one is named before anything is opened."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.__main__ import main
from streams.exit import ExitCode
from streams.settings import Settings

DEPLOY = Path(__file__).parents[3] / "deploy"
FILE = str(Path(__file__))


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GEOPHONE_")]:
        monkeypatch.delenv(name)


def variables(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **settings: str
) -> str:
    """Return what the program says about these variables when it refuses them."""
    for name, value in settings.items():
        monkeypatch.setenv(f"GEOPHONE_{name.upper()}", value)
    with pytest.raises(SystemExit) as ended:
        main(["--check"])
    assert ended.value.code == ExitCode.CONFIG
    said = capsys.readouterr().err
    assert "--help" in said
    assert "Traceback" not in said
    return said


DEFAULTS = {
    "stages": ("dedup", "followup", "crm"),
    "app_id": "geophone",
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
    "marks": "rocksdb",
    "state_dir": Path("geophone-state"),
    "session_timeout_seconds": 20.0,
    "instance": None,
    "stalled_seconds": 180.0,
    "crm": "webhook",
    "crm_url": None,
    "crm_secret": None,
    "crm_secret_file": None,
    "crm_credentials_file": None,
    "crm_targets_file": None,
    "crm_timeout_seconds": 10.0,
    "crm_requests_per_second": None,
    "crm_concurrency": None,
    "crm_max_refused_share": 0.5,
    "task_due_business_days": 2,
    "task_rules_file": None,
    "admin_host": "0.0.0.0",  # noqa: S104 - the documented default
    "admin_port": 9091,
    "ready_file": None,
    "log_level": "INFO",
}


def test_the_minimal_example_is_the_defaults_and_two_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables(DEPLOY / "streams.minimal.env"):
        monkeypatch.setenv(name, value)
    assert Settings().model_dump() == DEFAULTS | {
        "kafka_bootstrap_servers": "kafka-1:9092",
        "crm_url": "https://crm.example.com/tasks",
    }


def test_the_extended_example_sets_everything_to_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables(DEPLOY / "streams.extended.env"):
        monkeypatch.setenv(name, value)
    extended = {
        "stages": ("dedup", "crm"),
        "app_id": "geophone-emea",
        "kafka_bootstrap_servers": "kafka-1:9093,kafka-2:9093,kafka-3:9093",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "geophone",
        "kafka_sasl_password": SecretStr("change-me"),
        "kafka_sasl_password_file": Path("/run/secrets/kafka"),
        "kafka_sasl_token_file": Path("/run/secrets/token"),
        "kafka_ssl_ca_file": Path("/etc/geophone/kafka/ca.crt"),
        "kafka_ssl_certificate_file": Path("/etc/geophone/kafka/tls.crt"),
        "kafka_ssl_key_file": Path("/etc/geophone/kafka/tls.key"),
        "topic_prefix": "emea.seismic.",
        "topic_mode": "create",
        "topic_partitions": 24,
        "topic_replication": 5,
        "legacy_tenant": "acme",
        "marks": "memory",
        "state_dir": Path("/var/lib/geophone"),
        "instance": "geophone-streams-0",
        "session_timeout_seconds": 45.0,
        "stalled_seconds": 600.0,
        "crm": "sandbox",
        "crm_url": "https://crm.example.com",
        "crm_secret": SecretStr("whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWU="),
        "crm_secret_file": Path("/etc/geophone/crm/secret"),
        "crm_credentials_file": Path("/etc/geophone/crm/credentials.yaml"),
        "crm_targets_file": Path("/etc/geophone/crm/targets.yaml"),
        "crm_timeout_seconds": 5.5,
        "crm_requests_per_second": 2.5,
        "crm_concurrency": 4,
        "crm_max_refused_share": 0.25,
        "task_due_business_days": 3,
        "task_rules_file": Path("/etc/geophone/task-rules.yaml"),
        "admin_host": "127.0.0.1",
        "admin_port": 9191,
        "ready_file": Path("/run/geophone/streams.json"),
        "log_level": "WARNING",
    }
    assert Settings().model_dump() == extended
    assert [name for name in extended if extended[name] == DEFAULTS[name]] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stages", "dedup,nonsense"),
        ("stages", ""),
        ("app_id", "with space"),
        ("kafka_bootstrap_servers", ""),
        ("kafka_bootstrap_servers", "kafka-1"),
        ("kafka_bootstrap_servers", "kafka-1:port"),
        ("kafka_security_protocol", "TLS"),
        ("kafka_sasl_mechanism", "GSSAPI"),
        ("kafka_ssl_ca_file", "/nonexistent/ca.crt"),
        ("kafka_ssl_certificate_file", "/nonexistent/tls.crt"),
        ("kafka_ssl_key_file", "/nonexistent/tls.key"),
        ("topic_mode", "maybe"),
        ("topic_partitions", "0"),
        ("topic_replication", "none"),
        ("legacy_tenant", ""),
        ("marks", "redis"),
        ("session_timeout_seconds", "0.5"),
        ("stalled_seconds", "0"),
        ("crm", "sugar"),
        ("crm_url", "crm.example.com"),
        ("crm_url", "http://"),
        ("crm_secret", "whsec_short"),
        ("crm_secret_file", "/nonexistent/secret"),
        ("crm_secret_file", FILE),
        ("crm_credentials_file", "/nonexistent/credentials.yaml"),
        ("crm_credentials_file", FILE),
        ("crm_targets_file", "/nonexistent/targets.yaml"),
        ("crm_timeout_seconds", "0"),
        ("crm_requests_per_second", "0"),
        ("crm_requests_per_second", "inf"),
        ("crm_concurrency", "0"),
        ("crm_max_refused_share", "0"),
        ("crm_max_refused_share", "1.1"),
        ("task_due_business_days", "-1"),
        ("task_due_business_days", "366"),
        ("task_rules_file", "/nonexistent/rules.yaml"),
        ("task_rules_file", FILE),
        ("admin_port", "65536"),
        ("log_level", "LOUD"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = refusal(monkeypatch, capsys, **{"crm_url": "http://127.0.0.1", name: value})
    assert f"GEOPHONE_{name.upper()}:" in said


def test_a_wrong_rule_is_told_by_file_and_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\ndefaults:\n  priority: urgent\n")
    said = refusal(monkeypatch, capsys, stages="followup", task_rules_file=str(rules))
    assert f"GEOPHONE_TASK_RULES_FILE: {rules}, line 3: defaults.priority is wrong" in said
    assert "'low', 'normal' or 'high'" in said


def test_rules_that_turn_everything_off_are_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\ndefaults: {enabled: false}\n")
    said = refusal(monkeypatch, capsys, stages="followup", task_rules_file=str(rules))
    assert "leave followup out of GEOPHONE_STAGES" in said


def test_the_rules_are_the_files_and_the_setting_is_their_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEOPHONE_TASK_DUE_BUSINESS_DAYS", "7")
    assert Settings().rules().rule("t", "email-v3").due_business_days == 7
    monkeypatch.setenv("GEOPHONE_TASK_RULES_FILE", str(DEPLOY / "task-rules.example.yaml"))
    rules = Settings().rules()
    assert rules.rule("t", "email-v3").due_business_days == 2
    assert rules.rule("8c1d7f2e-1f0a-4b57-9d63-2f6f2f4b7a10", "email-v3").enabled is False


def test_the_crm_stage_needs_an_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "GEOPHONE_CRM_URL" in refusal(monkeypatch, capsys)


def test_sasl_without_credentials_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(
        monkeypatch, capsys, kafka_security_protocol="SASL_SSL", kafka_sasl_username="geophone"
    )
    assert "GEOPHONE_KAFKA_SASL_PASSWORD" in said


def test_every_wrong_value_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(monkeypatch, capsys, marks="redis", admin_port="x")
    assert "GEOPHONE_MARKS" in said
    assert "GEOPHONE_ADMIN_PORT" in said


def test_a_refused_secret_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(monkeypatch, capsys, crm_url="http://x", crm_secret="hunter2")
    assert "hunter2" not in said


def test_settings_do_not_show_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_CRM_SECRET", "hunter2")
    monkeypatch.setenv("GEOPHONE_KAFKA_SASL_PASSWORD", "hunter3")
    assert "hunter" not in repr(Settings())


def test_check_says_that_settings_are_valid_and_opens_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(SystemExit) as ended:
        main(["--check", "--stages", "followup, dedup,followup"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == "Settings are valid: followup, dedup.\n"


def test_help_lists_every_variable_with_its_default_and_meaning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert f"GEOPHONE_{name.upper()}" in said
        assert field.description
        assert field.description in said
    assert "GEOPHONE_TOPIC_PARTITIONS [12]" in said
    assert "GEOPHONE_STAGES [dedup,followup,crm]" in said
