"""Where the commands go when they are told everything, something or nothing."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from ops.target import NoTarget, Target


@pytest.fixture(autouse=True)
def _no_variables_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEOPHONE_SECRETS", "GEOPHONE_SECRETS_FILES"):
        monkeypatch.delenv(name, raising=False)


def stack(folder: Path, pid: int) -> None:
    (folder / "secret").write_text("of-the-stack\n")
    content = {
        "webhook_url": "http://127.0.0.1:1/webhook",
        "secret_file": str(folder / "secret"),
        "bootstrap_servers": "127.0.0.1:2",
        "processes": [{"pid": pid}],
    }
    (folder / "stack.json").write_bytes(orjson.dumps(content))


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_everything_comes_from_the_running_stack(tmp_path: Path) -> None:
    stack(tmp_path, os.getpid())
    assert Target.choose(None, None, tmp_path) == Target(
        "http://127.0.0.1:1/webhook", "of-the-stack", "127.0.0.1:2"
    )


def test_what_is_given_goes_before_the_stack(tmp_path: Path) -> None:
    stack(tmp_path, os.getpid())
    given = tmp_path / "given"
    given.write_text("given-secret\n")
    assert Target.choose("https://x.example/", None, tmp_path).secret == "of-the-stack"
    assert Target.choose(None, given, tmp_path).url == "http://127.0.0.1:1/webhook"


def test_url_and_secret_together_need_no_stack(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("given-secret")
    target = Target.choose("http://x.example/", given, tmp_path / "none")
    assert (target.url, target.secret) == ("http://x.example/", "given-secret")


@pytest.mark.parametrize("variable", ["GEOPHONE_SECRETS", "GEOPHONE_SECRETS_FILES"])
def test_the_secret_of_a_url_may_be_where_its_ingress_has_it(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack(tmp_path, os.getpid())
    (tmp_path / "ingress").write_text("new-one\nold-one\n")
    named = variable.endswith("FILES")
    monkeypatch.setenv(variable, str(tmp_path / "ingress") if named else "new-one,old-one")
    assert Target.choose("http://x.example/", None, tmp_path).secret == "new-one"
    assert Target.choose(None, None, tmp_path).secret == "of-the-stack"


def test_the_first_secret_of_a_file_signs(tmp_path: Path) -> None:
    """During a rotation the ingress's file holds the new one and the old one."""
    given = tmp_path / "given"
    given.write_text("new\nold\n")
    assert Target.choose("http://x.example/", given, tmp_path).secret == "new"


def test_without_a_stack_the_error_says_what_to_start_or_to_give(tmp_path: Path) -> None:
    with pytest.raises(NoTarget, match="no stack runs") as caught:
        Target.choose(None, None, tmp_path)
    for word in ("geophone up", "--url", "--secret-file", "--state-dir", str(tmp_path)):
        assert word in str(caught.value)


def test_a_stack_that_was_killed_is_no_stack(tmp_path: Path) -> None:
    stack(tmp_path, ended_process())
    with pytest.raises(NoTarget, match="no stack runs"):
        Target.choose(None, None, tmp_path)


def test_a_stack_of_zombies_is_no_stack(tmp_path: Path) -> None:
    """Orphans that nobody reaps keep their number for ever."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        stack(tmp_path, process.pid)
        with pytest.raises(NoTarget, match="no stack runs"):
            Target.choose(None, None, tmp_path)


def test_a_url_without_a_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoTarget, match="http://"):
        Target.choose("localhost:8080/webhook", None, tmp_path)


def test_an_empty_secret_file_is_refused_by_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(NoTarget, match="empty"):
        Target.choose("http://x.example/", empty, tmp_path)


def test_the_secret_does_not_show_in_a_traceback(tmp_path: Path) -> None:
    stack(tmp_path, os.getpid())
    assert "of-the-stack" not in repr(Target.choose(None, None, tmp_path))
