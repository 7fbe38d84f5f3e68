"""The command behind `make fuzz`."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fuzz.targets import TARGETS

HERE = Path(__file__).parent
WORK = Path(".geophone/fuzz")
FOUND = HERE / "found"
SEED = "seed-"
MAX_SECONDS_OF_ONE = 10
"""An input that takes longer is a find, too."""

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def main(
    targets: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(TARGETS)}; all if none is named.")
    ] = None,
    *,
    seconds: Annotated[int, typer.Option(min=1, help="How long each is searched.")] = 60,
    keep: Annotated[
        bool, typer.Option(help="Add what reached new code to the corpus in the repository.")
    ] = False,
) -> None:
    """Search for bytes that break a promise of the ingress or the streams.

    body: a signed body, from the request to the task commands. wire: raw bytes on a connection,
    which must mean the same in whatever pieces they come and whichever way they go in.

    A find is a file in fuzz/found; `make test` tries everything in fuzz/corpus again.
    Exit code 1 if there is one.
    """
    chosen = targets or list(TARGETS)
    if unknown := set(chosen) - set(TARGETS):
        raise typer.BadParameter(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = [name for name in chosen if not _search(name, seconds)]
    if keep:
        for name in chosen:
            _keep(name)
    if failed:
        console.print(f"a find for {', '.join(failed)}: see fuzz/found", style="red")
        raise typer.Exit(1)
    console.print("nothing found")


def _search(name: str, seconds: int) -> bool:
    """Run the engine in a process of its own, which it ends itself; say whether all is well."""
    work = WORK / name
    work.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (work / f"{SEED}{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-timeout={MAX_SECONDS_OF_ONE}", "-rss_limit_mb=2048"]
    output = [
        f"-artifact_prefix={FOUND}/{name}-",
        "-print_final_stats=1",
        "-verbosity=1",
        "-reduce_inputs=0",
    ]
    folders = [str(work), str(HERE / "corpus" / name)]
    return _engine(name, *limits, *output, *folders) == 0


def _keep(name: str) -> None:
    """Add what the engine has written: inputs that reached what none before them had."""
    for file in (WORK / name).iterdir():
        if not file.name.startswith(SEED):
            shutil.copy(file, HERE / "corpus" / name)


def _engine(name: str, *arguments: str) -> int:
    largest = f"-max_len={TARGETS[name].max_bytes}"
    words = f"-dict={HERE / name}.dict"
    command = [sys.executable, "-m", "fuzz.engine", name, largest, words, *arguments]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    app()
