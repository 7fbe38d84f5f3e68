"""What the canary takes from the services' variables."""

from pathlib import Path
from typing import Any

import pytest

from ops.prove.canary.options import Installation, plan_of
from ops.prove.canary.plan import CannotJudge


def test_the_services_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka:9093",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "canary",
        "KAFKA_SASL_PASSWORD": "hush",
        "TOPIC_PREFIX": "prod.",
        "SECRETS": " first , second ",
    }.items():
        monkeypatch.setenv(f"GEOPHONE_{name}", value)
    found = Installation(None, None, None)
    assert found.kafka.bootstrap_servers == "kafka:9093"
    assert found.kafka.sasl_mechanism == "SCRAM-SHA-512"
    assert found.kafka.sasl_password is not None
    assert found.kafka.sasl_password.get_secret_value() == "hush"
    assert (found.prefix, found.secret) == ("prod.", "first")


def test_what_is_given_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS", "kafka:9093")
    monkeypatch.setenv("GEOPHONE_SECRETS", "from-the-environment")
    file = tmp_path / "secret"
    file.write_text("from-the-file\nolder\n")
    found = Installation("other:9092", "test.", file)
    assert found.kafka.bootstrap_servers == "other:9092"
    assert (found.prefix, found.secret) == ("test.", "from-the-file")


def test_the_ingress_files_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.write_text("\n")
    full.write_text("the-secret\n")
    monkeypatch.setenv("GEOPHONE_SECRETS_FILES", f"{empty}, {full}")
    assert Installation(None, None, None).secret == "the-secret"


def test_a_secret_in_the_environment_needs_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "the-secret")
    monkeypatch.setenv("GEOPHONE_SECRETS_FILES", str(tmp_path / "nowhere"))
    assert Installation(None, None, None).secret == "the-secret"


def test_a_plan_has_the_rest_from_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "the-secret")
    made = plan_of("https://me:hush@host/webhook", "kafka:1", "x.", None, events=3, as_json=True)
    assert (made.raw_topic, made.events, made.as_json) == ("x.raw", 3, True)
    assert made.where == "https://host/webhook"
    assert "hush" not in repr(made)
    assert "the-secret" not in repr(made)


@pytest.mark.parametrize(
    ("url", "chosen", "words"),
    [
        ("host/webhook", {}, "is no URL"),
        ("http://host", {"events": 0}, "nothing to send"),
        ("http://host", {"rate": 0.0}, "nothing to send"),
        ("http://host", {"tenant": ""}, "without letters"),
        ("http://host", {"tenant": "a\nb"}, "with a control character"),
    ],
)
def test_a_plan_that_cannot_work(
    monkeypatch: pytest.MonkeyPatch, url: str, chosen: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("GEOPHONE_SECRETS", "the-secret")
    with pytest.raises(CannotJudge, match=words):
        plan_of(url, None, None, None, **chosen)


def test_no_secret(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="no secret to sign with"):
        Installation(None, None, None)
    with pytest.raises(CannotJudge, match="cannot be read"):
        Installation(None, None, tmp_path / "nowhere")


def test_a_wrong_variable_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "hush")
    with pytest.raises(CannotJudge, match="GEOPHONE_KAFKA_SECURITY_PROTOCOL") as caught:
        Installation(None, None, None)
    assert "hush" not in str(caught.value)
