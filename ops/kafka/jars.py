"""The jars of Kafka: exactly those of jars.lock, each checked by its sha256.

They are fetched once from Maven Central into the user's cache folder and are then used offline.
To move to another Kafka see kafka_maven.py.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.errors import JarsRefused
from ops.kafka.hold import wait_for

VERSION = "4.4.0"
LOCK = Path(__file__).with_suffix(".lock")


@dataclass(frozen=True, order=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.sha256}  {self.group}:{self.artifact}:{self.version}"


def read_lock(text: str) -> list[Jar]:
    return [_locked(line) for line in text.splitlines() if line and not line.startswith("#")]


def _locked(line: str) -> Jar:
    sha256, coordinates = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def cache_dir(env: Mapping[str, str], platform: str) -> Path:
    """Where geophone keeps what it fetched, shared by all its state folders.

    GEOPHONE_CACHE_DIR, else the platform's folder for caches (XDG_CACHE_HOME is respected).
    """
    if chosen := env.get("GEOPHONE_CACHE_DIR"):
        return Path(chosen).expanduser().absolute()
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / "geophone"
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geophone"


def class_path(
    progress: Callable[[str], None], cache: Path | None = None, lock: Path = LOCK
) -> list[Path]:
    """Every jar of the lock as a file, fetched if need be. Blocks; safe in several processes.

    Raises JarsUnreachable when they must be fetched and cannot be, JarsRefused when a file differs
    from the lock.
    """
    cache = cache or cache_dir(os.environ, sys.platform)
    text = lock.read_text(encoding="utf-8")
    jars = read_lock(text)
    # A renewed lock gets a folder of its own, so that two checkouts can run side by side.
    home = cache / "kafka" / f"{VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    folder = home / "jars"
    with wait_for(home / "lock", lambda: progress("waiting for another process's fetch …")):
        if not folder.exists():
            _fetch(jars, folder, progress)
    return checked(
        folder, jars, f"Delete the folder {folder} and start again: the jars are fetched anew."
    )


def checked(folder: Path, jars: Iterable[Jar], advice: str) -> list[Path]:
    """The jars in `folder`, which must hold those of the lock, all of them, and nothing else.

    Raises JarsRefused naming the file, followed by `advice`.
    """
    expected = {jar.file: jar.sha256 for jar in jars}
    present = {path.name for path in folder.iterdir()}
    if missing := sorted(expected.keys() - present):
        raise JarsRefused(f"{folder / missing[0]} is missing. {advice}")
    if extra := sorted(present - expected.keys()):
        raise JarsRefused(f"{folder / extra[0]} is not in {LOCK.name}. {advice}")
    for file, sha256 in expected.items():
        if digest(folder / file) != sha256:
            raise JarsRefused(f"{folder / file} is not the jar that {LOCK.name} names. {advice}")
    return [folder / file for file in expected]


def digest(file: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fetch(jars: list[Jar], folder: Path, progress: Callable[[str], None]) -> None:
    # Imported here because jgo takes a fifth of a second, and only the first start needs it.
    from ops.kafka.maven import download  # noqa: PLC0415

    # Filled elsewhere and moved in one step: an interrupted fetch leaves nothing half finished.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as scratch:
        staged = Path(scratch, "jars")
        staged.mkdir()
        for count, (jar, path) in enumerate(download(jars, Path(scratch, "repository")), start=1):
            path.rename(staged / jar.file)
            progress(f"fetching Kafka {VERSION}: {count} of {len(jars)} jars")
        checked(staged, jars, "Maven Central or a proxy before it served something else.")
        shutil.move(staged, folder)
