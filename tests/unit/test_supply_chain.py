"""What the locks may not hold, and that a wheel is its sources and nothing else."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from deploy import sbom
from ops.kafka.jars import VERSION as KAFKA_VERSION

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "deploy" / "locks").glob("*.txt"))

# The oldest version without a known hole that reaches us, and the hole.
FLOORS = {
    "aiohttp": ("3.14.4", "CVE-2026-111750, CVE-2026-59881, CVE-2026-69243, PYSEC-2026-2111"),
    "h11": ("0.16.0", "CVE-2025-43859"),
    "httptools": ("0.8.0", "CVE-2022-35256, in its llhttp"),
    "orjson": ("3.11.6", "CVE-2025-67221, CVE-2024-27454"),
    "starlette": ("1.3.0", "PYSEC-2026-248, CVE-2026-48710, CVE-2025-62727"),
    "uvicorn": ("0.11.7", "CVE-2020-7694, CVE-2020-7695"),
}
KAFKA_HOLES = ((Version("4.3"), Version("4.3.2")), (Version("4.2"), Version("4.2.2")))
"""CVE-2026-111115, memory by tagged fields: from, and mended in."""


def locked(lock: Path) -> dict[str, Version]:
    found = re.findall(r"^([\w.-]+)==([\w.]+)", lock.read_text(), re.MULTILINE)
    return {name: Version(version) for name, version in found}


def demanded() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *chain.from_iterable(project["optional-dependencies"].values()),
    ]
    return {each.name: each for each in map(Requirement, lines)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_holds_a_version_with_a_known_hole(lock: Path) -> None:
    versions = locked(lock)
    assert versions
    for name, (floor, hole) in FLOORS.items():
        if name in versions:
            assert versions[name] >= Version(floor), hole


def test_every_floor_guards_something() -> None:
    everywhere = {name for lock in LOCKS for name in locked(lock)}
    assert set(FLOORS) <= everywhere


@pytest.mark.parametrize("name", sorted(FLOORS.keys() & demanded().keys()))
def test_who_installs_without_a_lock_gets_none_either(name: str) -> None:
    floor, hole = FLOORS[name]
    lowest = min(Version(each.version) for each in demanded()[name].specifier)
    assert lowest >= Version(floor), hole


def test_the_kafka_that_we_bring_is_mended() -> None:
    version = Version(KAFKA_VERSION)
    assert version >= Version("4.1.3")
    assert not any(first <= version < mended for first, mended in KAFKA_HOLES)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_line_of_a_lock_is_a_version_or_a_hash(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^\\]+)? \\|    --hash=sha256:\w{64}( \\)?", line)


def test_a_wheel_built_twice_is_the_same_to_the_bit(tmp_path: Path) -> None:
    digests = {_wheel(tmp_path / name, clock) for name, clock in (("a", 0), ("b", 86_400))}
    assert len(digests) == 1


def _wheel(folder: Path, age: int) -> str:
    """Build a wheel from a copy of the sources that is some seconds older; return its digest."""
    wanted = ("ingress", "ops", "schemas", "streams")
    folder.mkdir()
    for name in (*wanted, "pyproject.toml", "README.md", "LICENSE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    for file in folder.rglob("*"):
        stamp = file.stat().st_mtime - age
        os.utime(file, (stamp, stamp))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    [wheel] = (folder / "dist").glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


ENTRANCES = {"ingress": "ingress.app", "streams": "streams.app", "ops": "ops.cli, ops.sandbox.app"}
WITHOUT = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:])); import "


@pytest.mark.parametrize("process", sbom.PROCESSES)
def test_a_process_needs_nothing_that_its_lock_does_not_install(process: str) -> None:
    there = {*locked(ROOT / "deploy" / "locks" / f"{process}.txt"), "geophone"}
    hidden = [
        module
        for module, owners in packages_distributions().items()
        if there.isdisjoint(map(canonicalize_name, owners))
    ]
    assert "pytest" in hidden
    subprocess.run(
        [sys.executable, "-c", WITHOUT + ENTRANCES[process], *hidden], cwd=ROOT, check=True
    )


@pytest.mark.parametrize("process", sbom.PROCESSES)
def test_a_bill_of_materials_is_its_lock_and_nothing_else(process: str) -> None:
    bill = sbom.bill(process)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    listed = {each["name"]: each["version"] for each in json.loads(bill)["components"]}
    file = ROOT / "deploy" / "locks" / f"{process}.txt"
    elsewhere = set(re.findall(r"^([\w.-]+)==\S+ ; .*win32", file.read_text(), re.MULTILINE))
    installed = {name: version for name, version in locked(file).items() if name not in elsewhere}
    assert {name: Version(version) for name, version in listed.items()} == installed
    assert bill == sbom.bill(process)
