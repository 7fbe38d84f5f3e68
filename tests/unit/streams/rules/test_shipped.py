"""What is shipped for operators: the schema, the example and the page say what the code does."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from streams.rules import document, schema
from streams.rules.book import RuleBook
from streams.rules.loader import BadRules, load, parse
from streams.rules.model import Holidays, Rule
from streams.rules.template import PLACEHOLDERS

ROOT = Path(__file__).parents[4]
SCHEMA = ROOT / "schemas" / "task-rules.schema.json"
EXAMPLE = ROOT / "deploy" / "task-rules.example.yaml"
PAGE = ROOT / "docs" / "task-rules.md"
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_schema_is_up_to_date() -> None:
    """Renew it: python -m streams.rules.schema > schemas/task-rules.schema.json."""
    assert SCHEMA.read_text(encoding="utf-8") == schema.text()


def test_the_example_is_valid_for_us_and_for_an_editor() -> None:
    VALIDATOR.validate(document.read(EXAMPLE.read_text(encoding="utf-8")).value)
    assert RuleBook(load(EXAMPLE)).turned_on("email-v3")


def test_the_example_tells_editors_where_the_schema_is() -> None:
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", EXAMPLE.read_text())
    assert named
    assert (EXAMPLE.parent / named[1]).resolve() == SCHEMA


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {}",
        "version: 1\nrules: {}",
        "version: 1\nevents: {email-v4: {}}",
        "version: 1\ndefaults: {subject: '{ip_address}'}",
        "version: 1\ndefaults: {owner: anna}",
        "version: 1\ndefaults: {priority: urgent}",
        "version: 1\ndefaults: {due_business_days: 400}",
    ],
)
def test_an_editor_complains_of_what_we_refuse(text: str) -> None:
    assert not VALIDATOR.is_valid(document.read(text).value)
    with pytest.raises(BadRules):
        parse(text)


@pytest.mark.parametrize("model", [Rule, Holidays])
def test_the_page_describes_every_member(model: type[Rule | Holidays]) -> None:
    for name, field in model.model_fields.items():
        description = " ".join(str(field.description).split())
        assert re.search(rf"^\| `{name}` \| .*{re.escape(description)} \|$", page(), re.MULTILINE)


def test_the_page_lists_the_placeholders() -> None:
    assert re.findall(r"^\| `\{(\w+)\}`", page(), re.MULTILINE) == list(PLACEHOLDERS)


def test_the_examples_of_the_page_are_valid() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", page(), re.DOTALL)
    whole = [text for text in examples if "…" not in text]
    assert len(whole) >= 3
    for text in whole:
        parse(text)
        VALIDATOR.validate(document.read(text).value)


def page() -> str:
    return PAGE.read_text(encoding="utf-8")
