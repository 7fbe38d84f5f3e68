"""A rules file that is wrong says where, and what is allowed there."""

from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.book import RuleBook
from streams.rules.loader import BadRules, load, parse
from streams.rules.model import RulesFile


def complaint(text: str) -> str:
    with pytest.raises(BadRules) as refused:
        parse(dedent(text))
    return str(refused.value)


def test_a_whole_file_is_read() -> None:
    file = parse(
        dedent("""\
        version: 1
        defaults: &calm
          priority: low
          holidays: {country: NO, also: [2026-12-24]}
        events:
          email-v3:
            <<: *calm
            priority: high
            enabled: false
        tenants:
          0123:
            defaults: *calm
        """)
    )
    rules = RuleBook(file)
    assert rules.rule("t", "email-enriched-v3").holidays is not None
    assert rules.rule("t", "email-v3").priority == "high"
    assert not rules.rule("t", "email-v3").enabled
    assert rules.rule("0123", "email-v3").priority == "low"


def test_what_is_merged_in_may_be_overridden_and_merged_in_again() -> None:
    file = parse(
        dedent("""\
        version: 1
        tenants:
          a:
            defaults: &a {priority: low, time_zone: Asia/Tokyo}
            events: {email-v3: &b {<<: *a, priority: high}}
        defaults: {<<: *b, owner: desk@example.com}
        """)
    )
    rule = RuleBook(file).rule("t", "email-v3")
    assert (rule.priority, rule.time_zone, rule.owner) == ("high", "Asia/Tokyo", "desk@example.com")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: must have members: "),
        ("- version", "line 1: must have members: "),
        ("defaults: {}", "line 1: version is missing (Of this format: 1.)"),
        ("version: 2", "line 1: version is wrong: Input should be 1"),
        ("version: 1\nrules: {}", "line 2: rules is unknown; there are: "),
        ("version: 1\nversion: 1", "line 2: version is here twice"),
        ("version: 1\nevents: [\n", "line 3: expected the node"),
        ("version: 1\n? [a]\n: 1", "line 2: a key must be a text"),
        ("version: 1\n---\nversion: 1", "line 2: but found another document"),
        ("version: !!python/object:os.system 1", "line 1: could not determine a constructor"),
        ("version: 1\ndefaults: !!timestamp soon", "line 2: could not determine a constructor"),
        ("version: 1\ndefaults: !!map soon", "line 2: there are no members"),
        ("version: !!int 0b_", "line 1: this is no int"),
        ("version: !!int [1]", "line 1: expected a scalar"),
        ("version: !!bool maybe", "line 1: this is no bool"),
        ("version: !!float ten", "line 1: this is no float"),
        (f"version: {'9' * 5000}", "line 1: Exceeds the limit"),
    ],
)
def test_what_is_no_rules_file_is_refused_with_its_line(text: str, told: str) -> None:
    assert complaint(text).startswith(told)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("prio: high", "is unknown; there are: enabled, recipients, "),
        ("priority: urgent", "'low', 'normal' or 'high' (low, normal or high.)"),
        ("recipients: [to, all]", "'to', 'cc' or 'bcc'"),
        ("recipients: []", "at least 1 item"),
        ("subject: '{viewer_ip}'", "{viewer_ip} is no placeholder; there are: {recipient}, "),
        ("body: '{recipient'", "write {{ or }} for a brace itself"),
        ("due_business_days: 366", "less than or equal to 365 (Business days"),
        ("due_business_days: -1", "greater than or equal to 0"),
        ("time_zone: Berlin", "no time zone 'Berlin', try UTC, Europe/Berlin (IANA name"),
        ("time_zone: ../etc/passwd", "no time zone"),
        ("holidays: {country: Germany}", "no calendar of country 'Germany', try DE"),
        ("holidays: {country: DE, subdivision: ZZ}", "there are: BB, BE"),
        ("holidays: {subdivision: BY}", "a subdivision needs its country"),
        ("holidays: {state: BY}", "is unknown; there are: country, subdivision, also"),
        ("holidays: {also: [someday]}", "valid date"),
        ("owner: anna", "not of the form allowed here (Whose task it is: sender, or the e-mail"),
        ("fallback_owner: anna", "not of the form allowed here (E-mail address of the user"),
        ("include_domains: ['*.acme.com']", "not of the form allowed here (Only people at"),
        ("exclude_domains: ['@acme.com']", "not of the form allowed here (Nobody at"),
        ("enabled: maybe", "(Whether tasks are made at all."),
    ],
)
def test_a_wrong_member_is_named_with_its_line_and_what_is_allowed(member: str, told: str) -> None:
    rule = f"version: 1\nevents:\n  email-v3:\n    {member}\n"
    said = complaint(rule)
    assert said.startswith("line 4: events.email-v3.")
    assert told in said


def test_a_character_escaped_in_two_halves_is_one() -> None:
    hand = r'"\ud83d\udc4b"'
    file = parse(
        f'{{"version": 1, "defaults": {{"subject": {hand}}}, "tenants": {{{hand}: {{}}}}}}'
    )
    assert file.defaults.subject == "👋"
    assert list(file.tenants) == ["👋"]


@pytest.mark.parametrize("half", [r"\ud83d", r"\udc4b", r"\udc4b\ud83d", r"\ud83d👋"])
@pytest.mark.parametrize("rest", ['defaults: {{body: "{}"}}', 'tenants: {{"{}": {{}}}}'])
def test_half_a_character_is_refused_with_its_line(half: str, rest: str) -> None:
    """A command with it could not be written down, and the process would end at each try."""
    assert complaint("version: 1\n" + rest.format(half)).startswith("line 2: an escape such as")


@pytest.mark.parametrize(("written", "days"), [("010", 10), ("0o10", 8), ("0x10", 16), ("1e1", 10)])
def test_a_number_is_what_it_is_to_an_editor(written: str, days: int) -> None:
    file = parse(f"version: 1\ndefaults: {{due_business_days: {written}}}")
    assert file.defaults.due_business_days == days


def test_an_unknown_event_type_is_told_the_known_ones() -> None:
    said = complaint("version: 1\nevents:\n  email-v4: {}\n")
    assert said.startswith("line 3: events.email-v4 is wrong: Input should be 'email-v3', ")


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = complaint("""\
        version: 1
        tenants:
          acme:
            defaults:
              priority: urgent
              recipients:
                - to
                - all
            event: {}
        """)
    assert [part.split(" ", 3)[:3] for part in said.split("; line")] == [
        ["line", "5:", "tenants.acme.defaults.priority"],
        ["", "8:", "tenants.acme.defaults.recipients.1"],
        ["", "9:", "tenants.acme.event"],
    ]
    assert "there are: defaults, events" in said


def test_an_address_in_the_file_is_not_repeated() -> None:
    said = complaint("version: 1\ndefaults:\n  owner_by_sender:\n    a@x.org: b@@y.org\n")
    assert said.startswith("line 4: defaults.owner_by_sender.… is not of the form")
    assert "@" not in said
    assert "b@@y" not in complaint("version: 1\ndefaults:\n  owner: b@@y.org\n")


@pytest.mark.parametrize("other", ["A@x.org", "' a@x.org'", "'a@X.org '"])
def test_a_sender_who_is_there_twice_is_refused(other: str) -> None:
    """Else one of the two owners would be dropped without a word."""
    said = complaint(
        f"version: 1\ndefaults:\n  owner_by_sender: {{a@x.org: b@x.org, {other}: c@x.org}}\n"
    )
    assert said.startswith("line 3: defaults.owner_by_sender is wrong: two of its senders differ")
    assert "@" not in said


def test_a_file_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "rules.yaml"
    wrong.write_text("version: 3")
    with pytest.raises(BadRules, match=r"rules.yaml, line 1: version is wrong"):
        load(wrong)
    wrong.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRules, match=r"rules.yaml: cannot be read"):
        load(wrong)
    with pytest.raises(BadRules, match=r"cannot be read"):
        load(tmp_path / "missing.yaml")


@given(st.text(alphabet="version: 1\nts{}[]&*-'\"!|>#,?") | st.text())
def test_any_text_is_rules_or_is_refused_in_words(text: str) -> None:
    with suppress(BadRules):
        assert isinstance(parse(text), RulesFile)
