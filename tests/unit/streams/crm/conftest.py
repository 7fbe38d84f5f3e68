"""A task command with every field that names a person or quotes them."""

from datetime import date

import pytest

from schemas.task import Person, Related, TaskCommand, task_key


@pytest.fixture
def task() -> TaskCommand:
    return TaskCommand(
        key=task_key("tenant-1", "interaction-1", "pat@customer.example"),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="sam@vendor.example"),
        recipient=Person(id="recipient-77", email="pat@customer.example"),
        subject="Follow up: Pat Buyer",
        due=date(2026, 10, 1),
        related=Related(type="Opportunity", id="0064600", name="Buyer Ltd renewal"),
    )
