"""Prints docs/values.md: every value of the chart, its default, and the comment above it.

usage: python deploy/values_page.py > docs/values.md
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

VALUES = Path(__file__).parent / "chart" / "values.yaml"

COMMON = "all objects and pods"
TABLE = ("| value | default | meaning |", "| --- | --- | --- |")
WHOLE = ("resources", "labels")
"""Groups that are told as one value: their keys are Kubernetes', or the user's."""

HEAD = """\
# Values of the chart

Made from `deploy/chart/values.yaml` by `python deploy/values_page.py`. How to put them to use is in
[install.md](install.md) and [operate.md](operate.md).
"""


@dataclass(frozen=True)
class Value:
    """`key` is the path to it, with dots; `default` is None for a group of values."""

    key: str
    default: str | None
    meaning: str


def values(text: str) -> list[Value]:
    """Return all values of a values.yaml in its order."""
    root = yaml.compose(text)
    return list(_values(root, text.splitlines(), "")) if root else []


def page(text: str) -> str:
    """Return the page for a values.yaml."""
    sections: dict[str, list[Value]] = {}
    for value in values(text):
        first = value.key.partition(".")[0]
        alone = value.key == first and value.default is not None
        sections.setdefault(COMMON if alone else first, []).append(value)
    return HEAD + "".join(_section(*each) for each in sections.items())


def _section(title: str, rows: list[Value]) -> str:
    group = [row.meaning for row in rows if row.key == title]
    table = [
        f"| `{row.key}` | {f'`{row.default}`' if row.default else ''} | {row.meaning} |"
        for row in rows
        if row.key != title
    ]
    head = ["", f"## {title}", "", *group, *[""] * len(group), *TABLE]
    return "\n".join([*head, *table]) + "\n"


def _values(node: yaml.Node, lines: list[str], above: str) -> Iterator[Value]:
    for key, value in node.value:
        path = f"{above}{key.value}"
        group = isinstance(value, yaml.MappingNode) and not value.flow_style
        group = group and key.value not in WHOLE
        yield Value(path, None if group else _default(value), _comment(lines, key.start_mark.line))
        if group:
            yield from _values(value, lines, f"{path}.")


def _default(node: yaml.Node) -> str:
    loader = yaml.SafeLoader("")
    value = loader.construct_object(node, deep=True)
    return value if isinstance(value, str) and value else json.dumps(value)


def _comment(lines: list[str], line: int) -> str:
    """Return the comment that ends right above a line; an empty line ends it."""
    found: list[str] = []
    while line and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].lstrip().removeprefix("#").strip())
    return " ".join(found)


if __name__ == "__main__":
    sys.stdout.write(page(VALUES.read_text(encoding="utf-8")))
