"""WorkflowSubmitV1 and WorkflowApproveStepV1: content on its way through an approval.

Source: developer.seismic.com/seismicsoftware/docs, pages workflowsubmitv1 and
workflowapprovestepv1.
"""

from typing import Any

from schemas.events.payload import Payload


class TargetInfo(Payload):
    """The content to approve."""

    team_site_id: str | None = None
    content_id: str | None = None
    content_version_id: str | None = None


class Workflow(Payload):
    """A workflow the content was submitted to."""

    workflow_id: str | None = None
    workflow_name: str | None = None
    selected_approver: Any = None


class Acknowledgment(Payload):
    """A statement the submitter agreed to."""

    id: str | None = None
    name: str | None = None
    title: str | None = None
    statement: str | None = None
    version: str | None = None


class WorkflowSubmitted(Payload):
    """Data of WorkflowSubmitV1; `target_source` is "Engagement" or "ContentManager"."""

    user_id: str | None = None
    target_source: str | None = None
    target_info: TargetInfo | None = None
    workflows: tuple[Workflow, ...] = ()
    acknowledgments: tuple[Acknowledgment, ...] = ()


class StepApproved(Payload):
    """Data of WorkflowApproveStepV1; `comments` came with a newer version of the page."""

    user_id: str | None = None
    target_source: str | None = None
    target_info: TargetInfo | None = None
    workflow_id: str | None = None
    workflow_name: str | None = None
    workflow_step_id: str | None = None
    step_name: str | None = None
    comments: Any = None
    next_workflow_step_id: str | None = None
    next_workflow_step_name: str | None = None
    selected_next_approver: Any = None
