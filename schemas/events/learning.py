"""ReadinessArchivalEventV1: a lesson was archived.

Source: developer.seismic.com/seismicsoftware/docs/readinessarchivaleventv1. The envelope is
PascalCase in the page's sample, the data is camelCase.
"""

from schemas.events.payload import Payload


class Asset(Payload):
    """A file of the lesson."""

    name: str | None = None
    file_type: str | None = None
    archive_url: str | None = None
    identifier: str | None = None


class LessonArchived(Payload):
    """Data of ReadinessArchivalEventV1."""

    lesson_id: int | float | None = None
    lesson_version: int | float | None = None
    lesson_status: str | None = None
    lesson_data_archive_url: str | None = None
    assets: tuple[Asset, ...] = ()
