"""Templates: known placeholders, one line for a subject, never too long, never an error."""

import re
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.rules import template
from streams.rules.template import PATTERN, PLACEHOLDERS, Facts

FACTS = st.builds(Facts, **{name: st.text(max_size=400) for name in PLACEHOLDERS})
PIECES = st.sampled_from([*(f"{{{name}}}" for name in PLACEHOLDERS), "{{", "}}"])
TEMPLATES = st.lists(PIECES | st.text().filter(lambda text: not {"{", "}"} & set(text))).map(
    "".join
)


@example("one\u2028two\u2029three", Facts())
@given(TEMPLATES, FACTS)
def test_every_template_of_known_placeholders_can_be_filled_in(text: str, facts: Facts) -> None:
    assert template.checked(text) == text
    subject = template.subject(text, facts)
    assert len(subject) <= 255
    assert len(subject.splitlines()) <= 1
    assert len(template.body(text, facts)) <= 32_000


@given(st.text(alphabet="{}ab.!:[]0") | TEMPLATES)
def test_what_is_let_through_is_what_an_editor_lets_through(text: str) -> None:
    try:
        template.checked(text)
    except ValueError:
        assert not re.fullmatch(PATTERN, text)
    else:
        assert re.fullmatch(PATTERN, text)


def test_placeholders_become_facts_and_doubled_braces_braces() -> None:
    facts = Facts(recipient="ada@example.com", content="{sender}")
    shown = template.body("To {recipient}: {content} {{recipient}}\nbye", facts)
    assert shown == "To ada@example.com: {sender} {recipient}\nbye"


@pytest.mark.parametrize(
    "text",
    [
        "{ip_address}",
        "{viewer}",
        "{recipient.email}",
        "{recipient!r}",
        "{recipient:>300}",
        "{recipient[0]}",
        "{}",
        "{0}",
        "{ recipient }",
    ],
)
def test_anything_else_in_braces_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no placeholder; there are: \{recipient\}, \{sender"):
        template.checked(text)


@pytest.mark.parametrize("text", ["{recipient", "recipient}", "{{recipient}", "{"])
def test_a_brace_alone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write \{\{ or \}\}"):
        template.checked(text)


def test_filling_in_ends_where_there_is_no_more_room() -> None:
    """Else 3,000 placeholders in a rule would make 96 MB of an event's one long fact."""
    facts = Facts(content=template.listed("x" * 100 for _ in range(1000)))
    tracemalloc.start()
    shown = template.body("{content}" * 3000, facts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(shown) == len(facts.content) == 32_000
    assert peak < 1_000_000


def test_names_are_listed_as_far_as_a_text_has_room() -> None:
    assert template.listed(["Deck", "Prices"]) == "Deck, Prices"
    assert template.listed([]) == ""


def test_a_long_text_is_cut_and_shows_it() -> None:
    assert template.subject("{content}", Facts(content="x" * 300)) == "x" * 254 + "…"
    assert template.body("{content}", Facts(content="x" * 32_001)) == "x" * 31_999 + "…"
    assert template.subject("x" * 255, Facts()) == "x" * 255
