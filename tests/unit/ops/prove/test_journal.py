"""The live reader's file: whole, or known not to be."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.prove.history import Record, Seen
from ops.prove.readers import journal

SEEN = [
    Seen(Record("raw", 3, 7, bytes(range(16)), b"tenant"), 12.25, 1),
    Seen(Record("quarantine", 0, 0, bytes(16), None, (3, 8)), 13.5, 2, 1),
    Seen(Record("raw", 3, 9, bytes(16), b'\xff\x00\n"\xc3\xa9'), 13.5, 2, 1),
]


def written(path: Path) -> Path:
    file = path / "live.jsonl"
    with journal.Writer(file) as writer:
        writer.write(SEEN[:1])
        writer.flush()
        writer.write(SEEN[1:])
    return file


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert journal.read(written(tmp_path)) == SEEN


def test_a_file_without_records_is_whole(tmp_path: Path) -> None:
    with journal.Writer(tmp_path / "file"):
        pass
    assert journal.read(tmp_path / "file") == []


def test_each_way_of_being_cut_off_is_noticed(tmp_path: Path) -> None:
    file = written(tmp_path)
    content = file.read_bytes()
    for length in range(len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(journal.Truncated):
            journal.read(file)


def test_a_missing_line_is_noticed(tmp_path: Path) -> None:
    file = written(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(journal.Truncated, match="2 of 3"):
        journal.read(file)


def test_a_writer_that_fails_does_not_make_the_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    broken = iter([*SEEN, None])
    with pytest.raises(AttributeError), journal.Writer(file) as writer:
        writer.write(broken)  # type: ignore[arg-type]
    with pytest.raises(journal.Truncated):
        journal.read(file)


def test_equal_keys_are_kept_once(tmp_path: Path) -> None:
    with journal.Writer(tmp_path / "file") as writer:
        writer.write([SEEN[0], replace(SEEN[0], poll=2)])
    one, other = journal.read(tmp_path / "file")
    assert one.record.key is other.record.key
    assert one.record.kind is other.record.kind
