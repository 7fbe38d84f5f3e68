"""Planner and Program: tasks and projects.

Source: developer.seismic.com/seismicsoftware/docs, pages plannertaskcreatev1, plannertaskupdatev1,
plannerprojectcreatev1 and programtaskupdatev1. Times are epoch milliseconds. `tenant_id` repeats
the envelope's.
"""

from typing import Any

from schemas.events.payload import Payload, Time


class Follower(Payload):
    """A user who follows the task."""

    user_id: str | None = None


class Task(Payload):
    """Data of PlannerTaskCreateV1, PlannerTaskUpdateV1 and ProgramTaskUpdateV1.

    `update_diffs` says what an update changed.
    """

    tenant_id: str | None = None
    tenant_name: str | None = None
    task_id: str | None = None
    event_timestamp: Time | None = None
    actor_id: str | None = None
    space_id: str | None = None
    title: str | None = None
    description: str | None = None
    assignee_id: str | None = None
    assigner_id: str | None = None
    creator_id: str | None = None
    planned_start_date: Time | None = None
    planned_end_date: Time | None = None
    planned_duration: int | None = None
    actual_start_date: Time | None = None
    actual_end_date: Time | None = None
    actual_duration: int | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    status: str | None = None
    priority: str | None = None
    parent_id: str | None = None
    project_id: str | None = None
    copy_from: Any = None
    template_id: str | None = None
    followers: tuple[Follower, ...] = ()
    custom_properties: tuple[Any, ...] = ()
    attached_content: tuple[Any, ...] = ()
    attached_sub_tasks: tuple[Any, ...] = ()
    update_diffs: tuple[Any, ...] = ()


class Project(Payload):
    """Data of PlannerProjectCreateV1."""

    tenant_id: str | None = None
    tenant_name: str | None = None
    project_id: str | None = None
    event_timestamp: Time | None = None
    manager_id: str | None = None
    creator_id: str | None = None
    is_template: bool | None = None
