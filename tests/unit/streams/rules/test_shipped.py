"""What is shipped for operators: the schema, the example and the page say what the code does."""

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema_rs
import pytest

from streams.crm.dynamics.mapping import DESCRIPTION_LIMIT, SUBJECT_LIMIT
from streams.rules import document, schema
from streams.rules.book import RuleBook
from streams.rules.loader import BadRules, load, parse
from streams.rules.model import EventName, Holidays, Rule
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


def test_the_examples_pilot_is_of_every_event_type() -> None:
    rules = RuleBook(load(EXAMPLE))
    pilot = "5b0c9c1e-7d0a-4c8e-9a53-3f1d2e6b7a21"
    for name in get_args(EventName):
        assert rules.rule(pilot, name).include_domains == ("acme.example",)
        assert rules.rule("another", name).include_domains == ()


def test_the_page_says_where_less_is_held() -> None:
    cuts = f"a subject is cut to {SUBJECT_LIMIT} characters and a text to {DESCRIPTION_LIMIT:,}"
    assert f"for Dynamics 365 {cuts}" in page()


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


@pytest.mark.parametrize(
    ("member", "fits"),
    [
        ("enabled: true", True),
        ("enabled: True", True),
        ("enabled: yes", False),
        ("enabled: 1", False),
        ("enabled: 'true'", False),
        ("recipients: [to, cc]", True),
        ("recipients: to", False),
        ("recipients: []", False),
        ("recipients: {to: 1}", False),
        ("include_domains: [acme.com]", True),
        ("include_domains: ['*.acme.com']", False),
        ("include_domains: [7]", False),
        ("subject: 2026-01-01", True),
        ("subject: 1:30", True),
        ("subject: 1_000", True),
        ("subject: no", True),
        ("subject: =", True),
        ("subject: ~", True),
        ("subject: 7", False),
        ("subject: 1e3", False),
        ("subject: .inf", False),
        ("subject: true", False),
        ("subject: '{recipient}'", True),
        ("subject: '{{recipient:}}'", True),
        ("subject: '{recipient:}'", False),
        ("subject: '{recipient'", False),
        (f"body: {'x' * 32_000}", True),
        (f"body: {'x' * 32_001}", False),
        ("due_business_days: 0x10", True),
        ("due_business_days: 3.0", True),
        ("due_business_days: 2.5", False),
        ("due_business_days: .nan", False),
        ("due_business_days: 1e999", False),
        ("due_business_days: 0b1", False),
        ("due_business_days: 0b_", False),
        ("due_business_days: 1:30", False),
        ("due_business_days: '3'", False),
        ("due_business_days: true", False),
        ("due_business_days: null", False),
        ("holidays: {also: [2026-12-24]}", True),
        ("holidays: {also: ['2026-12-24']}", True),
        ("holidays: {also: [86400]}", False),
        ("holidays: {also: ['86400']}", False),
        ("holidays: {also: ['2026-12-24T00:00:00']}", False),
        ("holidays: {also: 2026-12-24}", False),
        ("priority: high", True),
        ("owner: 7", False),
        ("owner_by_sender: {a@x: b@x, U-1: b@x}", True),
        ("owner_by_sender: {a@x: sender}", False),
        ("owner_by_sender: [a@x]", False),
        ("fallback_owner: null", True),
        ("fallback_owner: desk", False),
    ],
)
def test_an_editor_and_we_take_the_same_and_refuse_the_same(member: str, fits: object) -> None:
    text = f"version: 1\ndefaults:\n  {member}\n"
    assert VALIDATOR.is_valid(document.read(text).value) is fits
    assert accepted(text) is fits


@pytest.mark.parametrize("version", ["1", "1.0", "true", "'1'", "2", "null"])
def test_the_version_is_one_to_both_or_to_neither(version: str) -> None:
    text = f"version: {version}"
    assert accepted(text) is VALIDATOR.is_valid(document.read(text).value)


def accepted(text: str) -> bool:
    try:
        parse(text)
    except BadRules:
        return False
    return True


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
