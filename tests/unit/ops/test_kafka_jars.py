"""The jar check: what is in the lock runs, and nothing else does."""

import hashlib
from pathlib import Path

import pytest

from ops.kafka import jars as kafka_jars
from ops.kafka.errors import JarsRefused
from ops.kafka.jars import Jar, cache_dir, checked, class_path, read_lock

BYTES = {"one-1.0.jar": b"first", "two-2.0.jar": b"second"}
JARS = [
    Jar("org.example", "one", "1.0", hashlib.sha256(b"first").hexdigest()),
    Jar("org.example", "two", "2.0", hashlib.sha256(b"second").hexdigest()),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in BYTES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_jars_of_the_lock_are_the_class_path_in_its_order(folder: Path) -> None:
    assert checked(folder, reversed(JARS), "") == [folder / "two-2.0.jar", folder / "one-1.0.jar"]


def test_a_changed_jar_is_refused_by_name_with_advice(folder: Path) -> None:
    (folder / "two-2.0.jar").write_bytes(b"second, and something else")
    with pytest.raises(JarsRefused, match=r"two-2\.0\.jar is not the jar .* names\. Do this\."):
        checked(folder, JARS, "Do this.")


def test_a_missing_jar_is_refused_by_name(folder: Path) -> None:
    (folder / "one-1.0.jar").unlink()
    with pytest.raises(JarsRefused, match=r"one-1\.0\.jar is missing"):
        checked(folder, JARS, "")


def test_a_jar_that_the_lock_does_not_name_is_refused_by_name(folder: Path) -> None:
    (folder / "three-3.0.jar").write_bytes(b"third")
    with pytest.raises(JarsRefused, match=r"three-3\.0\.jar is not in jars\.lock"):
        checked(folder, JARS, "")


def test_a_lock_reads_back_as_it_was_written() -> None:
    assert read_lock("# a comment\n\n" + "\n".join(map(str, JARS)) + "\n") == JARS


def test_the_shipped_lock_names_one_kafka_and_every_file_once() -> None:
    jars = read_lock(kafka_jars.LOCK.read_text(encoding="utf-8"))
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {kafka_jars.VERSION}
    assert len({jar.file for jar in jars}) == len(jars) > 40
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)


def test_the_shipped_lock_holds_no_address() -> None:
    assert "//" not in kafka_jars.LOCK.read_text(encoding="utf-8")


def test_cached_jars_are_used_without_a_fetch(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    lock = cache / "jars.lock"
    lock.write_text("\n".join(map(str, JARS)), encoding="utf-8")
    name = hashlib.sha256(lock.read_bytes()).hexdigest()[:8]
    jars = cache / "kafka" / f"{kafka_jars.VERSION}-{name}" / "jars"
    jars.parent.mkdir(parents=True)
    folder.rename(jars)
    said: list[str] = []
    assert class_path(said.append, cache, lock) == [jars / "one-1.0.jar", jars / "two-2.0.jar"]
    assert said == []


def test_the_cache_folder_is_the_one_of_the_platform_unless_chosen(tmp_path: Path) -> None:
    home = Path.home()
    assert cache_dir({"GEOPHONE_CACHE_DIR": str(tmp_path)}, "darwin") == tmp_path
    assert cache_dir({"XDG_CACHE_HOME": "/xdg"}, "linux") == Path("/xdg/geophone")
    assert cache_dir({}, "linux") == home / ".cache" / "geophone"
    assert cache_dir({"XDG_CACHE_HOME": "/xdg"}, "darwin") == home / "Library/Caches/geophone"
