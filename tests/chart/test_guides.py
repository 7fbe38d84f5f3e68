"""What the guides tell people to type is what the chart takes."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

import helm_python
import pytest
import yaml

from deploy.values_page import VALUES, values
from tests.chart.rendered import ROOT, Values, given, merged, render

GUIDES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/install.md", "docs/operate.md")
}
KEYS = {value.key for value in values(VALUES.read_text(encoding="utf-8"))}
# `seismic.` is also how topics begin.
GROUPS = sorted({key.partition(".")[0] for key in KEYS if "." in key} - {"seismic"})


def snippets() -> list[str]:
    """Return the values that install.md shows, each to be put beside the least."""
    return re.findall(r"```yaml\n(.*?)```", GUIDES["docs/install.md"], re.DOTALL)


def installs() -> list[str]:
    """Return every `helm install` or `upgrade`, its lines joined."""
    text = "\n".join(GUIDES.values()).replace("\\\n", " ")
    return re.findall(r"^helm (?:install|upgrade) .*$", text, re.MULTILINE)


def told(command: str) -> Values:
    """Return what a command sets."""
    words = shlex.split(command, comments=True)
    chosen: Values = {}
    for flag, word in pairwise(words):
        if flag == "--set":
            chosen = merged(chosen, helm_python.parse_set_json(_as_json(word)))
    return chosen


def _as_json(word: str) -> str:
    path, _, value = word.partition("=")
    typed = value if re.fullmatch(r"\d+|true|false", value) else f'"{value}"'
    return f"{path}={typed}"


@pytest.mark.parametrize("snippet", snippets())
def test_values_that_are_shown_can_be_installed(snippet: str) -> None:
    assert render(merged(given("minimal"), yaml.safe_load(snippet))).objects


@pytest.mark.parametrize("command", installs())
def test_a_command_that_is_shown_installs(command: str) -> None:
    chosen = told(command)
    assert render(chosen or given("minimal")).objects


def mentioned() -> Iterator[tuple[str, str]]:
    """Yield what looks like a value in the guides, with the guide's name."""
    pattern = rf"`((?:{'|'.join(GROUPS)})\.[\w.]+)(?:[:=][^`]*)?`"
    for name, text in GUIDES.items():
        for key in re.findall(pattern, text):
            if not key.endswith((".env", ".md", ".py", ".yaml")):
                yield name, key


def test_values_that_are_mentioned_are_there() -> None:
    found = list(mentioned())
    assert len(found) > 20
    assert [each for each in found if each[1] not in KEYS] == []


def test_links_lead_somewhere() -> None:
    for name in ("docs/install.md", "docs/operate.md", "docs/values.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            if file.startswith("https:"):
                continue
            page = (ROOT / "docs" / file) if file else ROOT / name
            assert page.exists(), target
            titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert not anchor or anchor in {_anchor(each) for each in titles}, target


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
