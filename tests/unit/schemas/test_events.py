"""The models read what is documented, and never refuse what is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import CATALOGUE
from schemas.events import MODELS
from schemas.events.email import Email
from schemas.events.livesend import LivesendSummary
from schemas.events.session_summary import SessionSummary

DATA = Path(__file__).parents[2] / "data" / "seismic" / "events"

# The types whose pages show a payload; the other pages show none.
DOCUMENTED = {path.stem for path in DATA.glob("*.json")} - {"LivesendUpdatedV1-with-new-fields"}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def data_of(name: str) -> Any:
    parsed = json.loads((DATA / f"{name}.json").read_bytes())
    return parsed.get("data") or parsed["Data"]


def without_case_or_absence(value: Any) -> Any:
    """Lower-case all keys and drop what says nothing: null, and empty lists."""
    if isinstance(value, dict):
        items = {key.lower(): without_case_or_absence(one) for key, one in value.items()}
        return {key: one for key, one in items.items() if one not in (None, [])}
    return [without_case_or_absence(one) for one in value] if isinstance(value, list) else value


def known_keys() -> list[str]:
    return sorted(
        {
            field.alias or name
            for model in MODELS.values()
            for name, field in model.model_fields.items()
        }
    )


def test_every_documented_payload_has_a_model() -> None:
    assert MODELS.keys() == DOCUMENTED
    assert MODELS.keys() <= {row.name for row in CATALOGUE}
    assert len(MODELS) == 32


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_reads_every_field_its_page_shows(name: str) -> None:
    sent = data_of(name)
    read = MODELS[name].model_validate(sent).model_dump(mode="json", by_alias=True)
    assert without_case_or_absence(read) == without_case_or_absence(sent)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_spells_its_fields_as_the_page_does(name: str) -> None:
    properties = MODELS[name].model_json_schema(by_alias=True)["properties"]
    assert data_of(name).keys() <= properties.keys()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_payload_without_any_field_is_readable(name: str) -> None:
    assert MODELS[name].model_validate({}).model_dump(exclude_defaults=True) == {}


@given(sent=st.dictionaries(st.sampled_from(known_keys()) | st.text(max_size=8), ANYTHING))
def test_no_model_refuses_an_object_whatever_is_in_it(sent: dict[str, Any]) -> None:
    for model in MODELS.values():
        model.model_validate(sent)


@given(
    name=st.sampled_from(sorted(MODELS)),
    path=st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=4),
    value=ANYTHING,
)
def test_no_model_refuses_its_sample_with_one_value_replaced(
    name: str, path: list[int], value: Any
) -> None:
    MODELS[name].model_validate(replaced(data_of(name), path, value))


def replaced(sent: Any, path: list[int], value: Any) -> Any:
    """Follow `path` as far as there are children, and put `value` there."""
    if not path or not isinstance(sent, dict | list) or not sent:
        return value
    step = path[0] % len(sent)
    if isinstance(sent, list):
        return [
            replaced(one, path[1:], value) if index == step else one
            for index, one in enumerate(sent)
        ]
    key = list(sent)[step]
    return sent | {key: replaced(sent[key], path[1:], value)}


def test_the_recipients_of_the_enriched_email_are_read_with_their_crm_records() -> None:
    email = Email.model_validate(data_of("email-enriched-v3"))
    first, second = email.recipients
    record = first.context[0]
    assert (email.user_email, email.delivery_option_name) == ("seller@example.com", "LiveSend")
    assert (first.email, first.recipient_type) == ("recipient@example.com", "to")
    assert (second.email, second.recipient_type) == ("copied@example.com", "cc")
    assert (record.context_type, record.context_id) == ("Opportunity", "00646000009eMGL")
    assert (record.system_id, record.source) == ("salesforce", "seismic-context-picker")


@pytest.mark.parametrize("broken", [None, "a@example.com", 7, [], {}, {"id": "", "email": " "}])
def test_a_broken_recipient_is_left_out_and_the_good_ones_stay(broken: object) -> None:
    good = [{"email": "a@example.com"}, {"id": "8eda18ec"}]
    email = Email.model_validate({"recipients": [good[0], broken, good[1]]})
    assert [(one.id, one.email) for one in email.recipients] == [
        (None, "a@example.com"),
        ("8eda18ec", None),
    ]


@pytest.mark.parametrize("broken", [None, "everybody", 7, {}])
def test_recipients_that_are_no_list_are_none(broken: object) -> None:
    assert Email.model_validate({"recipients": broken, "userId": "u"}).recipients == ()


def test_a_wrong_type_in_one_field_costs_that_field_only() -> None:
    sent = {"interactionId": "i", "clientDetails": "web", "links": 3, "userId": {"id": "u"}}
    email = Email.model_validate(sent)
    assert (email.interaction_id, email.client_details, email.links, email.user_id) == (
        "i",
        None,
        (),
        None,
    )


def test_context_may_be_one_object_instead_of_a_list() -> None:
    """The legacy page says "an object under the recipients object called context"."""
    record = {"contextId": "00646000009eMGL"}
    email = Email.model_validate({"recipients": [{"id": "r", "context": record}]})
    assert email.recipients[0].context[0].context_id == "00646000009eMGL"


def test_a_number_where_a_text_is_documented_is_its_text() -> None:
    email = Email.model_validate({"recipients": [{"id": 7, "context": [{"contextId": 51001}]}]})
    assert (email.recipients[0].id, email.recipients[0].context[0].context_id) == ("7", "51001")


@pytest.mark.parametrize("order", [1, -1])
def test_the_documented_spelling_wins_over_another_case(order: int) -> None:
    sent = dict([("userId", "right"), ("UserID", "wrong")][::order])
    assert Email.model_validate(sent).user_id == "right"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (SessionSummary, "livesend-session-summary-v3"),
        (LivesendSummary, "livesend-summary-v2"),
    ],
)
def test_a_viewer_s_whereabouts_never_appear_in_a_repr(
    model: type[SessionSummary | LivesendSummary], name: str
) -> None:
    read = model.model_validate(data_of(name))
    assert read.client_details is not None
    assert read.client_details.city == "Charlotte"
    for private in ("Charlotte", "100.00.00.00", "15.2316", "North Carolina", "United States"):
        assert private not in repr(read)
