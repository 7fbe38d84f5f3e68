"""What docs/crm/hubspot.md says, against the code."""

import re
from datetime import time
from pathlib import Path

import yaml

from streams.crm.hubspot import Options
from streams.crm.hubspot.errors import TABLE
from streams.crm.hubspot.wire import VERSION

PAGE = (Path(__file__).parents[4] / "docs/crm/hubspot.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table after the heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_option_is_listed_with_its_default() -> None:
    names = [name for row in rows("Credentials file") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(names) == sorted(Options.model_fields)
    told = {row[0].strip("`"): row[1].strip("`") for row in rows("Credentials file")}
    for name in ("key_property", "guard", "task_type"):
        assert told[name] == Options.model_fields[name].default


def test_the_sample_is_a_credentials_file() -> None:
    sample = PAGE.split("```yaml\n")[1].split("```")[0]
    assert Options.model_validate(yaml.safe_load(sample)).due_time == time(9)


def test_the_reasons_are_those_of_the_code() -> None:
    told = PAGE.split("\n## What the check says\n")[1].split("\n## ")[0]
    texts = {verdict.text for verdict in TABLE.values()}
    assert set(re.findall(r"`([A-Z]+_?[A-Z_]+)[:`]", told)) <= TABLE.keys()
    assert "the key is taken, and no task has it" in texts


def test_the_version_is_the_codes() -> None:
    assert set(re.findall(r"/crm/\w+/(\d{4}-\d{2})/", PAGE)) == {VERSION}
