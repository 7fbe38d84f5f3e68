"""Reads the Dockerfile, as far as its own manner of writing goes."""

import re
from dataclasses import dataclass, field
from pathlib import Path

DOCKERFILE = Path(__file__).parents[2] / "deploy" / "Dockerfile"


@dataclass
class Stage:
    """One FROM and what follows it; `parent` is a stage's name or an image."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.steps if word == instruction]


def stages() -> dict[str, Stage]:
    """Return the stages by name, in order."""
    found: dict[str, Stage] = {}
    for word, rest in _steps(DOCKERFILE.read_text(encoding="utf-8")):
        if word == "FROM":
            parent, _, name = rest.partition(" AS ")
            found[name] = Stage(name, parent)
        elif found:
            list(found.values())[-1].steps.append((word, rest))
    return found


def inherited(name: str, instruction: str) -> list[str]:
    """Return what an image of this stage has of an instruction, its ancestors' first."""
    stage = stages().get(name)
    return inherited(stage.parent, instruction) + stage.all(instruction) if stage else []


def argument(name: str) -> str:
    """Return what an argument is unless told otherwise, of those before the first stage."""
    head, _, _ = DOCKERFILE.read_text(encoding="utf-8").partition("\nFROM ")
    [value] = re.findall(rf"^ARG {name}=(.*)$", head, re.MULTILINE)
    return str(value)


def _steps(text: str) -> list[tuple[str, str]]:
    code = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", code).splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (each.partition(" ") for each in lines if each)
    ]
