"""Legacy bodies get an id that a redelivery repeats and no other event has."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import envelope
from schemas.envelope import MAX_NAME
from schemas.reasons import Malformed, Reason

DATA = Path(__file__).parents[2] / "data" / "seismic" / "legacy"
INTERACTION = "89214603-0be5-4f78-86e3-fba72bdef6c3"


def sample(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((DATA / f"{name}.json").read_bytes())
    return parsed


def read(value: dict[str, Any]) -> envelope.Envelope:
    return envelope.read(json.dumps(value).encode(), legacy_tenant="legacy")


def test_an_email_and_a_session_summary_of_one_interaction_differ() -> None:
    email = sample("email-bare") | {"interactionId": INTERACTION}
    session = sample("session-summary-enriched-bare") | {"SessionId": INTERACTION}
    assert session["InteractionId"] == INTERACTION
    assert read(email).event_id != read(session).event_id


def test_two_sessions_of_one_interaction_differ() -> None:
    session = sample("session-summary-enriched-bare")
    assert (
        read(session | {"SessionId": "1"}).event_id != read(session | {"SessionId": "2"}).event_id
    )


def test_a_session_is_identified_on_either_level_the_page_may_mean() -> None:
    session = sample("session-summary-enriched-bare")
    nested = dict(session)
    identity = nested.pop("SessionId")
    nested["LivesendSessionSummary"] = session["LivesendSessionSummary"] | {"SessionId": identity}
    assert read(nested).event_id == read(session).event_id


def test_two_summaries_that_name_no_session_are_told_apart_by_their_bytes() -> None:
    one = {"InteractionId": INTERACTION, "TotalContent": 1}
    two = {"InteractionId": INTERACTION, "TotalContent": 2}
    assert read(one).event_id == read(dict(one)).event_id != read(two).event_id


def test_a_wrapped_email_and_the_bare_one_are_the_same_event() -> None:
    assert read(sample("email-wrapper")).event_id == read(sample("email-bare")).event_id


def test_context_on_a_recipient_makes_it_the_enriched_event() -> None:
    email = sample("email-bare")
    email["recipients"][0]["Context"] = [{"contextId": "00646000009eMGL"}]
    assert read(email).spelling == "email-enriched-v3"


def test_a_wrapper_around_something_unknown_is_kept_as_other() -> None:
    event = read({"application": "Web", "data": {"novelty": 1}})
    assert (event.spelling, event.data) == ("Other", {"novelty": 1})


def test_the_tenant_a_legacy_body_names_is_its_tenant() -> None:
    assert read(sample("email-wrapper") | {"tenantId": "acme"}).tenant_id == "acme"


@pytest.mark.parametrize("identity", ["x" * (MAX_NAME + 1), "a\nb", "", 7, None, {}])
def test_what_is_unfit_for_a_header_identifies_no_legacy_body(identity: object) -> None:
    event_id = read(sample("email-bare") | {"interactionId": identity}).event_id
    prefix, _, digest = event_id.partition(":")
    assert (prefix, len(digest)) == ("email-v3", 64)


def test_a_modern_event_without_an_id_is_not_taken_for_a_legacy_one() -> None:
    with pytest.raises(Malformed) as refused:
        read({"version": "LivesendUpdatedV1", "tenantId": "t", "data": {"interactionId": "i"}})
    assert refused.value.reason is Reason.NO_ID
