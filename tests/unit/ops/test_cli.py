"""The command line as a person meets it: help that teaches, errors that say what to do."""

import io
import socket
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from ops import cli, show
from ops.ports import HOST, free_ports
from ops.progress import Progress
from tests.records import record

COMMANDS = [
    *("up", "demo", "send", "read", "topics", "topics apply", "topics verify"),
    *("crm", "crm preview", "crm check"),
]


def geophone(*arguments: str) -> Result:
    """Run the command in this process, 80 columns wide, without a terminal."""
    environment: dict[str, str | None] = {"COLUMNS": "80"}
    return CliRunner(env=environment).invoke(cli.app, arguments, prog_name="geophone")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test may touch the folder in which the developer plays."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_line(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_says_what_the_command_does_and_fits_80_columns(command: str) -> None:
    shown = geophone(*command.split(), "--help")
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert len(one_line(shown.stdout.split("╭")[0])) > 60


def test_the_first_help_names_every_command_and_where_to_begin() -> None:
    shown = one_line(geophone("--help").stdout)
    for command in ("up", "demo", "send", "read", "topics", "crm", "Begin with `geophone demo`"):
        assert command in shown


def test_without_arguments_the_help_is_shown() -> None:
    assert "Begin with" in geophone().output


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["send"], "geophone up"),
        (["read", "seismic.raw"], "geophone up"),
        (["topics", "verify"], "geophone up"),
        (["send", "--type", "mail"], "LivesendUpdatedV1"),
        (["send", "--url", "localhost"], "http://"),
        (["up", "--brokers", "2"], "1 or 3 brokers, not 2"),
        (["up", "--port", "65535", "--ingresses", "2"], "choose a lower --port"),
        (["topics", "verify", "--kafka", "127.0.0.1:1"], "no Kafka answers"),
        (["up", "--kafka", "127.0.0.1:1"], "no Kafka answers"),
    ],
)
def test_an_error_is_one_sentence_that_says_what_to_do(arguments: list[str], advice: str) -> None:
    ended = geophone(*arguments)
    assert ended.exit_code == 1
    sentence = ended.output.splitlines()[-1]
    assert sentence.startswith("geophone: ")
    assert advice in sentence


@pytest.mark.parametrize("address", ["localhost", "localhost:port", ":9092", "h:0", "h:1,i"])
def test_an_address_without_a_port_is_refused_at_once(address: str) -> None:
    ended = geophone("topics", "verify", "--kafka", address)
    assert ended.exit_code == 2
    assert "is not HOST:PORT" in one_line(ended.output)


def test_a_taken_port_is_said_before_anything_is_started(folder: Path) -> None:
    with socket.create_server((HOST, 0)) as stranger:
        port = stranger.getsockname()[1]
        ended = geophone("up", "--port", str(port))
    assert ended.exit_code == 1
    assert f"port {port} is taken by another program: choose another --port" in ended.output
    assert [each.name for each in (folder / ".geophone").iterdir()] == ["lock"]


def test_the_second_ingress_needs_its_port_too() -> None:
    [first] = free_ports(1)
    with socket.create_server((HOST, first + 1)):
        ended = geophone("up", "--port", str(first), "--ingresses", "2")
    assert f"port {first + 1} is taken" in ended.output


def test_demo_refuses_to_empty_a_folder_that_is_not_its_own(folder: Path) -> None:
    (folder / "precious").touch()
    ended = geophone("demo", "--state-dir", ".")
    assert ended.exit_code == 1
    assert "would be emptied" in ended.output
    assert [each.name for each in folder.iterdir()] == ["precious"]


def test_progress_off_a_terminal_is_plain_lines() -> None:
    printed = io.StringIO()
    with Progress(Console(file=printed, width=80)) as progress:
        progress.say("starting [1] …")
        progress.say("x" * 100)
    assert printed.getvalue() == "starting [1] …\n" + "x" * 100 + "\n"


def test_progress_on_a_terminal_leaves_nothing_behind() -> None:
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=True, width=80)
    with Progress(console) as progress:
        progress.say("waiting …")
        progress.settle()
        progress.say("kafka-1 ended")
    assert "kafka-1 ended\x1b" in printed.getvalue()


def test_a_record_is_one_line_however_long_and_whatever_it_holds() -> None:
    printed = io.StringIO()
    console = Console(file=printed, width=80)
    hostile = b'{"a":"\x1b[31m\r\n[bold]' + b"x" * 100
    console.print(show.line(record(hostile, headers=[("ce_type", b"com.x")])), soft_wrap=True)
    [line] = printed.getvalue().splitlines()
    assert line.startswith('3/0  tenant-a  com.x  {"a":"\\x1b[31m\\r\\n[bold]xxx')


def test_the_services_variables_say_where_kafka_is(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{port}")
    asked = geophone("topics", "verify")
    assert asked.exit_code == 1
    assert str(port) in str(asked.exception)
    assert "GEOPHONE_KAFKA_" in str(asked.exception)


def test_a_variable_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    asked = geophone("topics", "verify", "--kafka", "localhost:9")
    assert "GEOPHONE_KAFKA_SASL_USERNAME" in asked.stderr + str(asked.exception)
