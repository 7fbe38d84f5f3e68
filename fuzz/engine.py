"""One search, in a process that the engine (libFuzzer, by way of atheris) ends by itself."""

import sys
from contextlib import ExitStack

import atheris

from fuzz.targets import INSTRUMENTED, TARGETS
from ingress import logs


def main() -> None:
    """Search; the arguments are a target and libFuzzer's options."""
    name, arguments = sys.argv[1], sys.argv[2:]
    with ExitStack() as opened:
        with atheris.instrument_imports(include=INSTRUMENTED):
            check = opened.enter_context(TARGETS[name].check())
        logs.configure("CRITICAL")
        atheris.Setup([sys.argv[0], *arguments], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
