"""What may be shipped, and what the contract may know."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"aiokafka", "faust", "mode", "starlette", "uvicorn", "aiohttp", "structlog"}
ENVIRONMENT = {"os", "socket", "subprocess"}


def imported_by(file: Path) -> set[str]:
    """Return the top-level names a module imports, wherever in it."""
    tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    names: set[str] = set()
    for node in tree:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").split(".")[0])
    return names


def test_the_wheel_holds_exactly_the_four_packages(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "ingress",
        "ops",
        "schemas",
        "streams",
    }
    assert {f"{package}/py.typed" for package in ("ingress", "ops", "schemas", "streams")} <= set(
        names
    )


def test_schemas_imports_no_framework_and_does_no_io() -> None:
    files = sorted((ROOT / "schemas").rglob("*.py"))
    assert len(files) > 10
    found = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported_by(file) & (FRAMEWORKS | ENVIRONMENT)
    }
    # aiokafka takes a token from nothing but a class of its own.
    assert found == {"schemas/login.py imports aiokafka"}


def test_imports_are_absolute() -> None:
    packages = ("ingress", "ops", "schemas", "streams")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]
    assert [file.name for file in files if "." in imported_by(file)] == []
