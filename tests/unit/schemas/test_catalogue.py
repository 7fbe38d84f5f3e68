"""The catalogue names every documented type once."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue
from schemas.catalogue import CATALOGUE, EventType

# developer.seismic.com/seismicsoftware/docs/webhooksoverview and the legacy pages. The
# verification request WebhookChallengeV1 is answered, never stored, and so is no event type.
DOCUMENTED = [
    "ContentManagerActiveVersionChangedV1",
    "ContentManagerContentVersionExpiredV1",
    "ContentManagerCopyFileV1",
    "ContentManagerCopyFolderV1",
    "ContentManagerCreateFileV1",
    "ContentManagerCreateFileVersionV1",
    "ContentManagerDeleteFileV1",
    "ContentManagerMoveFileV1",
    "ContentManagerUpdateContentCustomPropertyV1",
    "ContentProfileAddToProfileV1",
    "ContentProfileRemoveFromProfileV1",
    "CustomSchemaCreateV1",
    "CustomSchemaUpdateV1",
    "CustomSchemaDeleteV1",
    "DSRCreatedV1",
    "DSRUpdatedV1",
    "DSRExpiredV1",
    "DSRContentUpdatedV1",
    "LivesendCreatedV1",
    "LivesendUpdatedV1",
    "LivesendExpiredV1",
    "LivesendContentUpdatedV1",
    "LiveDocCompletedV1",
    "LiveDocCompletedV2",
    "LDXJobStatusV1",
    "UserCreatedV1",
    "UserUpdatedV1",
    "UserDeletedV1",
    "UserGroupCreatedV1",
    "UserGroupUpdatedV1",
    "UserGroupDeletedV1",
    "UserGroupMemberChangeV1",
    "WorkflowSubmitV1",
    "WorkflowApproveStepV1",
    "WorkflowRejectStepV1",
    "WorkflowRevokeStepV1",
    "WorkflowRecallV1",
    "PlannerProjectCreateV1",
    "PlannerProjectUpdateV1",
    "PlannerProjectDeleteV1",
    "PlannerRequestCreateV1",
    "PlannerRequestUpdateV1",
    "PlannerRequestDeleteV1",
    "PlannerTaskCreateV1",
    "PlannerTaskUpdateV1",
    "PlannerTaskDeleteV1",
    "ProgramCreateV1",
    "ProgramUpdateV1",
    "ProgramDeleteV1",
    "ProgramRequestCreateV1",
    "ProgramRequestUpdateV1",
    "ProgramRequestDeleteV1",
    "ProgramTaskCreateV1",
    "ProgramTaskUpdateV1",
    "ProgramTaskDeleteV1",
    "ReadinessArchivalEventV1",
    "MeetingDataChangedV1",
    "TestWebhookEventV1",
    "email-v3",
    "email-enriched-v3",
    "livesend-session-summary-v3",
    "livesend-session-summary-enriched-v3",
    "livesend-summary-v2",
]

ALIASES = {
    "email": "email-v3",
    "email (legacy)": "email-v3",
    "interaction session summary (legacy)": "livesend-session-summary-v3",
    "interaction_session_summary": "livesend-session-summary-v3",
    "interaction_session_summary_enriched": "livesend-session-summary-enriched-v3",
    "livesend_summary": "livesend-summary-v2",
}

SPELLINGS = [(spelling, row) for row in CATALOGUE for spelling in (row.name, *row.aliases)]


def test_every_documented_type_is_a_row_and_nothing_else_is() -> None:
    assert Counter(row.name for row in CATALOGUE) == Counter(DOCUMENTED)


def test_the_groups_have_their_documented_sizes() -> None:
    assert Counter(row.group for row in CATALOGUE) == {
        "ContentManager": 9,
        "ContentProfile": 2,
        "CustomSchema": 3,
        "DSR": 4,
        "Livesend": 4,
        "Document generation": 3,
        "User": 3,
        "UserGroup": 4,
        "Workflow": 5,
        "Planner": 9,
        "Program": 9,
        "Readiness": 1,
        "Meeting": 1,
        "Test": 1,
        "Legacy": 5,
    }


def test_no_two_rows_share_a_spelling_in_any_case() -> None:
    seen = Counter(spelling.lower() for spelling, _ in SPELLINGS)
    assert [spelling for spelling, count in seen.items() if count > 1] == []
    assert catalogue.OTHER.lower() not in seen


def test_a_name_is_a_legal_part_of_a_topic_s_name() -> None:
    assert [row.name for row in CATALOGUE if not re.fullmatch(r"[A-Za-z0-9-]+", row.name)] == []


def test_only_legacy_types_carry_recipients() -> None:
    assert {row.group for row in CATALOGUE if row.carries_recipients} == {"Legacy"}
    assert all(row.carries_recipients for row in CATALOGUE if row.group == "Legacy")


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_the_older_names_of_the_legacy_types_are_known(alias: str, name: str) -> None:
    row = catalogue.lookup(alias)
    assert row is not None
    assert row.name == name


@given(spelt=st.sampled_from(SPELLINGS), upper=st.lists(st.booleans(), min_size=64, max_size=64))
def test_a_type_is_found_in_any_case(spelt: tuple[str, EventType], upper: list[bool]) -> None:
    spelling, row = spelt
    recased = "".join(
        letter.upper() if up else letter.lower()
        for letter, up in zip(spelling, upper, strict=False)
    )
    assert len(recased) == len(spelling)
    assert catalogue.lookup(recased) is row


@given(st.text())
def test_a_name_nobody_documented_is_unknown(name: str) -> None:
    known = {spelling.lower() for spelling, _ in SPELLINGS}
    assert (catalogue.lookup(name) is None) == (name.lower() not in known)
