"""Every event type Seismic documents, in its documented spelling.

Source: the catalogue of developer.seismic.com/seismicsoftware/docs/webhooksoverview and the event
pages beside it. Names are matched without case, because the sender's own samples differ in case
from its catalogue ("contentProfileAddToProfileV1"). Only the legacy types carry recipients.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

OTHER = "Other"
"""Where an event goes whose type the catalogue does not know."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the catalogue; `name` is also the last part of its topic's name."""

    name: str
    group: str
    carries_recipients: bool = False
    aliases: tuple[str, ...] = ()


EMAIL = EventType(
    "email-v3", "Legacy", carries_recipients=True, aliases=("email", "Email (Legacy)", "email_v3")
)
EMAIL_ENRICHED = EventType(
    "email-enriched-v3",
    "Legacy",
    carries_recipients=True,
    aliases=("email_enriched", "email_enriched_v3"),
)
SESSION_SUMMARY = EventType(
    "livesend-session-summary-v3",
    "Legacy",
    carries_recipients=True,
    aliases=("interaction_session_summary", "Interaction Session Summary (legacy)"),
)
SESSION_SUMMARY_ENRICHED = EventType(
    "livesend-session-summary-enriched-v3",
    "Legacy",
    carries_recipients=True,
    aliases=("interaction_session_summary_enriched",),
)
LIVESEND_SUMMARY = EventType(
    "livesend-summary-v2", "Legacy", carries_recipients=True, aliases=("livesend_summary",)
)

_MODERN: Mapping[str, tuple[str, ...]] = {
    "ContentManager": (
        "ContentManagerActiveVersionChangedV1",
        "ContentManagerContentVersionExpiredV1",
        "ContentManagerCopyFileV1",
        "ContentManagerCopyFolderV1",
        "ContentManagerCreateFileV1",
        "ContentManagerCreateFileVersionV1",
        "ContentManagerDeleteFileV1",
        "ContentManagerMoveFileV1",
        "ContentManagerUpdateContentCustomPropertyV1",
    ),
    "ContentProfile": ("ContentProfileAddToProfileV1", "ContentProfileRemoveFromProfileV1"),
    "CustomSchema": ("CustomSchemaCreateV1", "CustomSchemaUpdateV1", "CustomSchemaDeleteV1"),
    "DSR": ("DSRCreatedV1", "DSRUpdatedV1", "DSRExpiredV1", "DSRContentUpdatedV1"),
    "Livesend": (
        "LivesendCreatedV1",
        "LivesendUpdatedV1",
        "LivesendExpiredV1",
        "LivesendContentUpdatedV1",
    ),
    "Document generation": ("LiveDocCompletedV1", "LiveDocCompletedV2", "LDXJobStatusV1"),
    "User": ("UserCreatedV1", "UserUpdatedV1", "UserDeletedV1"),
    "UserGroup": (
        "UserGroupCreatedV1",
        "UserGroupUpdatedV1",
        "UserGroupDeletedV1",
        "UserGroupMemberChangeV1",
    ),
    "Workflow": (
        "WorkflowSubmitV1",
        "WorkflowApproveStepV1",
        "WorkflowRejectStepV1",
        "WorkflowRevokeStepV1",
        "WorkflowRecallV1",
    ),
    "Planner": (
        "PlannerProjectCreateV1",
        "PlannerProjectUpdateV1",
        "PlannerProjectDeleteV1",
        "PlannerRequestCreateV1",
        "PlannerRequestUpdateV1",
        "PlannerRequestDeleteV1",
        "PlannerTaskCreateV1",
        "PlannerTaskUpdateV1",
        "PlannerTaskDeleteV1",
    ),
    "Program": (
        "ProgramCreateV1",
        "ProgramUpdateV1",
        "ProgramDeleteV1",
        "ProgramRequestCreateV1",
        "ProgramRequestUpdateV1",
        "ProgramRequestDeleteV1",
        "ProgramTaskCreateV1",
        "ProgramTaskUpdateV1",
        "ProgramTaskDeleteV1",
    ),
    "Readiness": ("ReadinessArchivalEventV1",),
    "Meeting": ("MeetingDataChangedV1",),
    "Test": ("TestWebhookEventV1",),
}


def _rows() -> Iterator[EventType]:
    for group, names in _MODERN.items():
        for name in names:
            yield EventType(name, group)
    yield from (
        EMAIL,
        EMAIL_ENRICHED,
        SESSION_SUMMARY,
        SESSION_SUMMARY_ENRICHED,
        LIVESEND_SUMMARY,
    )


CATALOGUE: tuple[EventType, ...] = tuple(_rows())

_BY_SPELLING: Mapping[str, EventType] = MappingProxyType(
    {
        spelling.lower(): event_type
        for event_type in CATALOGUE
        for spelling in (event_type.name, *event_type.aliases)
    }
)


def lookup(name: str) -> EventType | None:
    """Return the catalogue's row for a name in any case or documented alias, else None."""
    return _BY_SPELLING.get(name.lower())
