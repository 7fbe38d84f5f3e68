"""What each event type's `data` looks like, for those who act on it.

Nothing on the way from HTTP to a topic needs these models: the bytes are passed on as they came. A
type of the catalogue has no model where its page shows no payload.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from schemas import catalogue
from schemas.events.content import (
    ActiveVersionChanged,
    ContentProfile,
    CustomPropertyUpdated,
    File,
    FileCopied,
    FileMoved,
)
from schemas.events.document import LdxJobStatus, LiveDocCompleted
from schemas.events.dsr import DsrContentUpdated, DsrExpired
from schemas.events.email import Email
from schemas.events.learning import LessonArchived
from schemas.events.livesend import Livesend, LivesendContentUpdated, LivesendSummary
from schemas.events.meeting import MeetingDataChanged
from schemas.events.planner import Project, Task
from schemas.events.session_summary import SessionSummary
from schemas.events.trial import Trial
from schemas.events.user import User, UserGroup
from schemas.events.workflow import StepApproved, WorkflowSubmitted

MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        catalogue.EMAIL.name: Email,
        catalogue.EMAIL_ENRICHED.name: Email,
        catalogue.SESSION_SUMMARY.name: SessionSummary,
        catalogue.SESSION_SUMMARY_ENRICHED.name: SessionSummary,
        catalogue.LIVESEND_SUMMARY.name: LivesendSummary,
        "LivesendUpdatedV1": Livesend,
        "LivesendExpiredV1": Livesend,
        "LivesendContentUpdatedV1": LivesendContentUpdated,
        "DSRExpiredV1": DsrExpired,
        "DSRContentUpdatedV1": DsrContentUpdated,
        "ContentManagerActiveVersionChangedV1": ActiveVersionChanged,
        "ContentManagerCopyFileV1": FileCopied,
        "ContentManagerCreateFileV1": File,
        "ContentManagerCreateFileVersionV1": File,
        "ContentManagerDeleteFileV1": File,
        "ContentManagerMoveFileV1": FileMoved,
        "ContentManagerUpdateContentCustomPropertyV1": CustomPropertyUpdated,
        "ContentProfileAddToProfileV1": ContentProfile,
        "ContentProfileRemoveFromProfileV1": ContentProfile,
        "LiveDocCompletedV2": LiveDocCompleted,
        "LDXJobStatusV1": LdxJobStatus,
        "UserCreatedV1": User,
        "UserGroupUpdatedV1": UserGroup,
        "WorkflowSubmitV1": WorkflowSubmitted,
        "WorkflowApproveStepV1": StepApproved,
        "PlannerProjectCreateV1": Project,
        "PlannerTaskCreateV1": Task,
        "PlannerTaskUpdateV1": Task,
        "ProgramTaskUpdateV1": Task,
        "ReadinessArchivalEventV1": LessonArchived,
        "MeetingDataChangedV1": MeetingDataChanged,
        "TestWebhookEventV1": Trial,
    }
)
"""Type name in documented spelling to the model of its data."""
