"""The ledger: what was appended is read, or nothing is."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.prove.history import Attempt
from ops.prove.ledger import Closing, Ledger, Truncated, read, read_closing

SECONDS = st.floats(min_value=0, max_value=1e9)
ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        event=st.integers(0, 2**40),
        route=st.text(max_size=20),
        started=SECONDS,
        ended=SECONDS,
        status=st.none() | st.integers(100, 599),
    ),
    max_size=20,
)
LAGS = st.lists(st.tuples(SECONDS, SECONDS), max_size=5)
SOME = [Attempt(number, "ingress-1", number / 7, number / 3, 200) for number in range(100)]


def written(path: Path, attempts: list[Attempt]) -> list[bytes]:
    with Ledger(path) as ledger:
        for attempt in attempts:
            ledger.append(attempt)
    return path.read_bytes().splitlines(keepends=True)


def fail_after(path: Path, attempt: Attempt) -> None:
    with Ledger(path) as ledger:
        ledger.append(attempt)
        raise ZeroDivisionError


@given(attempts=ATTEMPTS, lags=LAGS)
def test_what_was_written_is_read(attempts: list[Attempt], lags: list[tuple[float, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        with Ledger(path) as ledger:
            ledger.lags.extend(lags)
            for attempt in attempts:
                ledger.append(attempt)
        assert read(path) == attempts
        assert read_closing(path) == Closing(len(attempts), lags)


@given(share=st.floats(min_value=0, max_value=1, exclude_max=True))
def test_no_beginning_of_a_ledger_passes_for_one(share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        whole = b"".join(written(path, SOME))
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(Truncated):
            read(path)


@pytest.mark.parametrize("missing", [0, 50, 99])
def test_a_line_that_is_missing_is_noticed(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "ledger"
    lines = written(path, SOME)
    path.write_bytes(b"".join(lines[:missing] + lines[missing + 1 :]))
    with pytest.raises(Truncated, match="holds 99 attempts and says that it holds 100"):
        read(path)


@pytest.mark.parametrize("damage", [b"", b"\n", b"[1,", b"[1]\n", b"\0" * 64])
def test_a_damaged_line_is_noticed(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "ledger"
    lines = written(path, SOME)
    path.write_bytes(b"".join([*lines[:50], damage, *lines[51:]]))
    with pytest.raises(Truncated):
        read(path)


def test_a_writer_that_failed_leaves_it_open(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with pytest.raises(ZeroDivisionError):
        fail_after(path, SOME[0])
    assert path.read_bytes().count(b"\n") == 1
    with pytest.raises(Truncated, match="was not closed"):
        read(path)


def test_what_was_appended_is_soon_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        ledger.append(Attempt(1, "ingress-1", 0.0, 0.0, 200))
        assert not path.read_bytes()
        ledger.append(Attempt(2, "ingress-1", 0.0, 1e12, None))
        assert path.read_bytes().count(b"\n") == 2


def test_a_ledger_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path / "ledger", SOME)
    with pytest.raises(FileExistsError):
        Ledger(tmp_path / "ledger")
