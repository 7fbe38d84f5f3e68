"""The state folder: one stack at a time, secrets that stay, and nobody's files deleted."""

from pathlib import Path

import pytest

from ops.state import State, StateInUse


def test_a_second_owner_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = State(tmp_path / "s"), State(tmp_path / "s")
    first.own()
    with pytest.raises(StateInUse, match=r"another stack runs in .*--state-dir"):
        second.own()
    first.release()
    second.own()
    second.release()


def test_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.make_secrets()
    first, crm = state.secret, state.crm_secret_file.read_text()
    state.make_secrets()
    assert (state.secret, state.crm_secret_file.read_text()) == (first, crm)
    assert len(first) == 64
    for file in (state.secret_file, state.crm_secret_file):
        assert file.stat().st_mode & 0o777 == 0o600


def test_forgetting_empties_what_an_earlier_forgetting_began(tmp_path: Path) -> None:
    state = State(tmp_path / "demo")
    state.forget()
    state.make_secrets()
    first = state.secret
    state.forget()
    assert not state.secret_file.exists()
    state.make_secrets()
    assert state.secret != first
    state.release()


def test_forgetting_refuses_a_folder_with_anything_else_in_it(tmp_path: Path) -> None:
    """`geophone demo --state-dir ~` must not cost anybody a home folder."""
    precious = tmp_path / "precious"
    precious.write_text("work of a year")
    with pytest.raises(StateInUse, match="holds files that no demo or proof put there"):
        State(tmp_path).forget()
    assert precious.read_text() == "work of a year"
    assert list(tmp_path.iterdir()) == [precious]


def test_forgetting_refuses_the_folder_of_an_ordinary_stack(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.make_secrets()
    with pytest.raises(StateInUse):
        state.forget()
    assert state.secret


def test_forgetting_refuses_a_folder_in_which_a_stack_runs(tmp_path: Path) -> None:
    state, other = State(tmp_path / "demo"), State(tmp_path / "demo")
    state.forget()
    state.own()
    state.make_secrets()
    with pytest.raises(StateInUse, match="another stack runs"):
        other.forget()
    assert state.secret
    state.release()


def test_what_was_forgotten_is_owned_until_it_is_released(tmp_path: Path) -> None:
    state, other = State(tmp_path / "prove"), State(tmp_path / "prove")
    state.forget()
    (state.folder / "run").mkdir()
    for refused in (other.forget, other.own):
        with pytest.raises(StateInUse, match="another stack runs"):
            refused()
    assert (state.folder / "run").exists()
    state.release()
    other.forget()
    assert not (state.folder / "run").exists()
    other.release()


def test_forgetting_deletes_links_and_not_what_they_lead_to(tmp_path: Path) -> None:
    precious = tmp_path / "elsewhere" / "precious"
    precious.parent.mkdir()
    precious.touch()
    state = State(tmp_path / "demo")
    state.forget()
    (state.folder / "link").symlink_to(precious.parent)
    state.forget()
    assert not (state.folder / "link").is_symlink()
    assert precious.exists()
    state.release()


def test_stack_json_is_replaced_only_when_it_says_something_new(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.announce({"version": 1})
    inode = state.stack_file.stat().st_ino
    state.announce({"version": 1})
    assert state.stack_file.stat().st_ino == inode
    state.announce({"version": 2})
    assert state.stack_file.read_text() == '{\n  "version": 2\n}\n'
    state.withdraw()
    state.withdraw()
    assert not state.stack_file.exists()
