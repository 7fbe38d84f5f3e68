"""What an operator sees: every metric once, logs that stay readable, answers that stay silent."""

import json
import logging
import time
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import generate_latest

from ingress import answers, logs, refusals
from ingress.metrics import METRICS, Metrics
from ingress.refusals import Refusals


@pytest.fixture
def plain_logging() -> Iterator[None]:
    """Put logging back as the test found it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    for name in logs._FLOORS:
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_metric_of_the_table_exists_under_its_name_and_kind() -> None:
    text = generate_latest(Metrics().registry).decode()
    for metric in METRICS:
        name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
        assert f"# TYPE {metric.name} {metric.kind}" in text or f"# TYPE {name} " in text
        assert f"# HELP {metric.name} {metric.meaning}" in text


def test_no_metric_exists_beside_the_table() -> None:
    text = generate_latest(Metrics().registry).decode()
    found = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE geophone")}
    assert {name for name in found if not name.endswith("_created")} == {m.name for m in METRICS}


def test_no_label_can_take_what_a_caller_chooses() -> None:
    assert {label for metric in METRICS for label in metric.labels} == {
        "answer",
        "cause",
        "reason",
        "topic",
    }


@pytest.mark.usefixtures("plain_logging")
def test_our_lines_and_the_libraries_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    structlog.get_logger("ours").info("serving", port=1)
    logging.getLogger("theirs").warning("gone: %s", "x")
    first, second = lines(capsys)
    assert (first["event"], first["port"], first["level"]) == ("serving", 1, "info")
    assert (second["event"], second["logger"]) == ("gone: x", "theirs")


@pytest.mark.usefixtures("plain_logging")
def test_a_traceback_shows_no_local_variable(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG")

    def fail(body: bytes) -> None:
        raise RuntimeError(f"a body of {len(body)} bytes")

    try:
        fail(b"canary-body")
    except RuntimeError:
        structlog.get_logger("ours").exception("bug")
        logging.getLogger("theirs").exception("bug")
    out = capsys.readouterr().out
    assert "RuntimeError" in out
    assert "canary-body" not in out


@pytest.mark.usefixtures("plain_logging")
def test_aiokafka_never_logs_its_requests(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG")
    logging.getLogger("aiokafka.conn").debug("Request: %s", "canary-body")
    structlog.get_logger("ours").debug("answered")
    assert [line["event"] for line in lines(capsys)] == ["answered"]


def test_a_flood_of_refusals_is_one_line_per_kind_and_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with structlog.testing.capture_logs() as logged:
        told = Refusals()
        for _ in range(500):
            told.note(answers.UNSIGNED)
        told.note(answers.NOT_FOUND)
        told.note(answers.STORED)
        now[0] += refusals.EVERY_SECONDS
        told.note(answers.UNSIGNED)
    assert [(line["answer"], line["count"]) for line in logged] == [
        ("unsigned", 1),
        ("not_found", 1),
        ("unsigned", 500),
    ]
