"""The administrator's page says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from streams.crm.dynamics import Options
from streams.crm.dynamics.batch import MOST
from streams.crm.dynamics.checks import PRIVILEGES
from streams.crm.dynamics.errors import VERDICTS
from streams.crm.dynamics.mapping import DESCRIPTION_LIMIT, REGARDING, SUBJECT_LIMIT

PAGE = (Path(__file__).parents[4] / "docs" / "crm" / "dynamics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_samples_of_the_credentials_file_can_be_read(sample: str) -> None:
    Options.model_validate(yaml.safe_load(sample))


def test_every_option_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("| option | default | |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(names))) == set(Options.model_fields)


def test_every_privilege_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("| table | privileges | what for |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \|", table, re.MULTILINE)
    told = {f"{right} on {table}" for table, rights in rows for right in rights.split(", ")}
    assert told == set(PRIVILEGES.values())


def test_what_waits_is_told_with_its_code() -> None:
    waits = {code for code, verdict in VERDICTS.items() if not verdict.refused}
    assert waits - set(re.findall(r"0x[0-9a-f]{8}", PAGE)) == set()


def test_the_numbers_are_the_codes() -> None:
    assert f"cut to {SUBJECT_LIMIT} characters" in PAGE
    assert f"cut to {DESCRIPTION_LIMIT:,} characters" in PAGE
    assert f"sent {MOST}\nat a time" in PAGE
    assert all(table.capitalize() in PAGE for table in REGARDING)
