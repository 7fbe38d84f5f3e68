"""ContentManager*V1 and ContentProfile*V1: what happened to a file in the library.

Source: developer.seismic.com/seismicsoftware/docs, the page of each event. `team_site_id` is "1" or
a GUID; `content_type` is an integer (1 and 3 in the samples).
"""

from typing import Any

from schemas.events.payload import Payload, Time


class Content(Payload):
    """What the events on one piece of content share."""

    team_site_id: str | None = None
    user_id: str | None = None
    content_id: str | None = None
    content_name: str | None = None
    content_version_id: str | None = None
    content_parent_id: str | None = None
    content_type: int | None = None


class File(Content):
    """Data of ContentManagerCreateFileV1, …CreateFileVersionV1 and …DeleteFileV1."""

    format: str | None = None


class FileMoved(File):
    """Data of ContentManagerMoveFileV1."""

    destination_parent_id: str | None = None
    new_library_materialized_path: str | None = None


class FileCopied(Content):
    """Data of ContentManagerCopyFileV1."""

    destination_parent_id: str | None = None
    new_content_id: str | None = None
    new_content_version_id: str | None = None


class CustomProperty(Payload):
    """A property after its change."""

    property_id: str | None = None
    property_name: str | None = None
    property_values: tuple[Any, ...] = ()


class CustomPropertyUpdated(Payload):
    """Data of ContentManagerUpdateContentCustomPropertyV1."""

    team_site_id: str | None = None
    user_id: str | None = None
    content_id: str | None = None
    content_type: int | None = None
    updated_custom_properties: tuple[CustomProperty, ...] = ()


class ActiveVersionChanged(Payload):
    """Data of ContentManagerActiveVersionChangedV1."""

    team_site_id: str | None = None
    file_id: str | None = None
    file_name: str | None = None
    content_type: int | None = None
    format: str | None = None
    active_version_id: str | None = None
    activated_by: str | None = None
    active_time: Time | None = None
    last_active_version_id: str | None = None


class ContentProfile(Payload):
    """Data of ContentProfileAddToProfileV1 and …RemoveFromProfileV1 (`action_type` Add, Remove)."""

    team_site_id: str | None = None
    content_id: str | None = None
    content_name: str | None = None
    content_version_id: str | None = None
    content_type: int | None = None
    format: str | None = None
    profile_version_id: str | None = None
    profile_name: str | None = None
    profile_type: str | None = None
    action_type: str | None = None
    batch_id: str | None = None
