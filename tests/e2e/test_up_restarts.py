"""`geophone up` ends in every way it can, and goes on with the same data."""

import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from ops import samples
from schemas import catalogue
from tests.up_rig import Up, environment, geophone, gone, wait_for

EVENT = samples.event(catalogue.EMAIL, "tenant-1", ["ada@example.com"])
TOPIC = "seismic.event.email-v3"


def send(folder: Path) -> None:
    (folder / "body").write_bytes(EVENT)
    sent = geophone(folder, "send", "--body", "body")
    assert sent.returncode == 0, sent.stdout + sent.stderr


def read(folder: Path, topic: str = TOPIC) -> list[str]:
    """Return the topic's records as printed."""
    shown = geophone(folder, "read", topic)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.splitlines()[:-1]


@pytest.mark.timeout(400)
def test_the_next_up_goes_on_with_the_same_data_however_the_last_one_ended(tmp_path: Path) -> None:
    up = Up(tmp_path).started()
    try:
        secret, servers = (up.state_dir / "secret").read_text(), up.stack["bootstrap_servers"]
        send(tmp_path)
        wait_for(lambda: up.recipients() == ["ada@example.com"], "the task", 30)
        before = read(tmp_path)
        assert len(before) == 1
        assert EVENT.decode() in before[0]

        processes = up.descendants()
        assert up.stop(signal.SIGINT, group=True) == 0
        assert gone(processes)
        assert not up.stack_file.exists()
        assert {each.name for each in tmp_path.iterdir()} == {
            ".geophone", "scratch", "output", "body"
        }  # fmt: skip
        assert not list((tmp_path / "scratch").iterdir())

        up = Up(tmp_path).started()
        assert (up.state_dir / "secret").read_text() == secret
        assert up.stack["bootstrap_servers"] == servers
        send(tmp_path)
        wait_for(lambda: len(read(tmp_path, "seismic.raw")) == 2, "the duplicate", 10)
        until_handled(tmp_path)
        assert read(tmp_path) == before
        assert up.recipients() == ["ada@example.com"]

        processes = up.descendants()
        up.stop(signal.SIGKILL)
        wait_for(lambda: gone(processes), "the guards to do their work", 20)
        refused = geophone(tmp_path, "send")
        assert "no stack runs" in refused.stderr

        up = Up(tmp_path).started()
        assert up.stack["bootstrap_servers"] == servers
        assert read(tmp_path) == before
        processes = up.descendants()
        assert up.stop(signal.SIGINT) == 0
        assert gone(processes)
    finally:
        up.end()


def until_handled(folder: Path) -> None:
    """Another event behind the duplicate: when it is through, the duplicate has been dropped."""
    marker = orjson.loads(EVENT) | {"id": "marker", "version": "UserCreatedV1"}
    (folder / "body").write_bytes(orjson.dumps(marker))
    sent = geophone(folder, "send", "--body", "body")
    assert sent.returncode == 0
    wait_for(lambda: read(folder, "seismic.event.UserCreatedV1"), "the marker", 30)


def test_a_second_up_in_the_same_folder_is_refused_and_hurts_nobody(up: Up) -> None:
    before = up.stack
    second = geophone(up.folder, "up", "--port", "0")
    assert second.returncode == 1
    assert "another stack runs in" in second.stderr
    assert "--state-dir" in second.stderr
    assert up.stack == before


def test_the_printed_commands_work_as_they_are_pasted(up: Up) -> None:
    lines = [line for line in up.output.splitlines() if line.startswith("  ")]
    begin = next(n for n, line in enumerate(lines) if "BODY=" in line)
    sends, curl, (reads, follows) = lines[:begin], lines[begin:-2], lines[-2:]
    assert "200 OK" in bash(up, "\n".join(curl))
    assert "3 x 200" in bash(up, "\n".join(sends))
    wait_for(lambda: '"id":"event-1"' in bash(up, reads), "the event", 30)
    assert "read seismic.quarantine --follow" in follows


def bash(up: Up, script: str) -> str:
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - as it is found by whoever pastes
        cwd=up.folder,
        env=environment(up.folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout
