"""A copy of the marks: may be behind Kafka, must never be ahead of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.topics import DEDUP_WINDOW_MS
from streams.marks import START, Marks, MemoryMarks, Position, RocksMarks, mark_key

WINDOW = DEDUP_WINDOW_MS / 1000
A, B, C = (mark_key("t", name) for name in "abc")
Make = Callable[[Path], Marks]


def in_memory(_: Path) -> Marks:
    return MemoryMarks()


@pytest.fixture(params=[in_memory, RocksMarks], ids=["memory", "rocksdb"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


def test_an_empty_copy_knows_nothing_and_starts_at_the_start(make: Make, tmp_path: Path) -> None:
    marks = make(tmp_path)
    assert A not in marks
    assert marks.position() == START


def test_what_is_added_is_known_and_nothing_else(make: Make, tmp_path: Path) -> None:
    marks = make(tmp_path)
    marks.add([A, B], Position(7, 9))
    assert (A in marks, B in marks, C in marks) == (True, True, False)
    assert marks.position() == Position(7, 9)


def test_a_batch_without_marks_moves_the_position(make: Make, tmp_path: Path) -> None:
    marks = make(tmp_path)
    marks.add([A], Position(1, 1))
    marks.add([], Position(1, 500))
    assert marks.position() == Position(1, 500)


def test_the_position_is_no_mark(make: Make, tmp_path: Path) -> None:
    marks = make(tmp_path)
    marks.add([A], Position(1, 1))
    assert mark_key("", "") not in marks


def test_a_positions_wire_form_is_read_back() -> None:
    assert Position.decode(Position(2**40, 0).encode()) == Position(2**40, 0)


def test_memory_forgets_after_the_window_and_not_before() -> None:
    now = 1000.0
    marks = MemoryMarks(lambda: now)
    marks.add([A], START)
    now += WINDOW - 1
    marks.add(fillers(0), START)
    assert A in marks
    now += 2
    marks.add(fillers(1), START)
    assert A not in marks, "older than the window"
    assert next(iter(fillers(0))) in marks, "not yet older than the window"


def test_memory_seen_again_within_the_window_is_not_counted_twice() -> None:
    marks = MemoryMarks(lambda: 0.0)
    for _ in range(5):
        marks.add([A], START)
    assert marks._added == 1


def test_rocksdb_survives_being_closed_and_opened_again(tmp_path: Path) -> None:
    marks = RocksMarks(tmp_path / "3")
    marks.add([A], Position(7, 9))
    marks.close()
    again = RocksMarks.opened_not_ahead_of(tmp_path / "3", Position(7, 9))
    assert A in again
    assert again.position() == Position(7, 9)


def test_rocksdb_keeps_marks_through_openings_and_compactions(tmp_path: Path) -> None:
    """With rocksdict's time to live all were gone after the second opening's compaction."""
    added: list[bytes] = []
    for opening in range(6):
        marks = RocksMarks(tmp_path)
        assert [key for key in added if key not in marks] == []
        added += fillers(opening)[:500]
        marks.add(added[-500:], Position(opening, opening))
        marks._database.flush()
        marks._database.compact_range(None, None)
        assert [key for key in added if key not in marks] == []
        marks.close()


def test_rocksdb_forgets_after_the_window_and_not_before(tmp_path: Path) -> None:
    now = 100 * WINDOW
    marks = RocksMarks(tmp_path, lambda: now)
    marks.add([A], Position(1, 1))
    now += WINDOW - 1
    marks.add([B], Position(2, 2))
    now += 2
    assert (A in marks, B in marks) == (True, True), "kept for a window at least"
    now += WINDOW
    assert (A in marks, B in marks) == (False, False), "and for two at most"
    assert marks.position() == Position(2, 2)
    assert len(list(marks._database.keys())) == 2, "only position and generation are left"


def test_rocksdb_does_not_forget_when_the_clock_is_set_back(tmp_path: Path) -> None:
    now = 100 * WINDOW
    marks = RocksMarks(tmp_path, lambda: now)
    marks.add([A], Position(1, 1))
    now -= 1
    assert A in marks
    marks.close()
    assert A in RocksMarks(tmp_path, lambda: now)


def test_rocksdb_that_is_behind_is_kept(tmp_path: Path) -> None:
    written(tmp_path, Position(7, 9))
    again = RocksMarks.opened_not_ahead_of(tmp_path, Position(8, 10))
    assert A in again


@pytest.mark.parametrize("limit", [Position(7, 8), Position(6, 9)])
def test_rocksdb_that_is_ahead_of_kafka_is_thrown_away(tmp_path: Path, limit: Position) -> None:
    """Else the replay of an event that Kafka has forgotten would be dropped as a duplicate."""
    written(tmp_path, Position(7, 9))
    again = RocksMarks.opened_not_ahead_of(tmp_path, limit)
    assert A not in again
    assert again.position() == START
    again.add([B], Position(1, 1))
    assert B in again


@pytest.mark.parametrize("damage", [b"", b"\0" * 64, None])
@pytest.mark.parametrize("part", ["MANIFEST-*", "CURRENT"])
def test_rocksdb_that_is_damaged_is_thrown_away(
    tmp_path: Path, part: str, damage: bytes | None
) -> None:
    """The changelog has it all; a worker that ends on it would end so after every restart."""
    written(tmp_path, Position(7, 9))
    for file in tmp_path.glob(part):
        file.unlink() if damage is None else file.write_bytes(damage)
    again = RocksMarks.opened_not_ahead_of(tmp_path, Position(7, 9))
    assert A not in again
    assert again.position() == START
    again.close()


def test_rocksdb_that_somebody_else_has_open_is_left_alone(tmp_path: Path) -> None:
    first = RocksMarks(tmp_path)
    first.add([A], Position(1, 1))
    with pytest.raises(Exception, match="LOCK"):
        RocksMarks.opened_not_ahead_of(tmp_path, Position(1, 1))
    assert (tmp_path / "IDENTITY").exists(), "its files are still there"
    first.close()


def written(folder: Path, position: Position) -> None:
    marks = RocksMarks(folder)
    marks.add([A], position)
    marks.close()


def fillers(generation: int) -> list[bytes]:
    """Enough marks that a sweep is due."""
    return [mark_key(f"filler-{generation}", str(number)) for number in range(10_000)]
