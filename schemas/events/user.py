"""UserCreatedV1 and UserGroupUpdatedV1: accounts and groups.

Source: developer.seismic.com/seismicsoftware/docs, pages usercreatedv1 and usergroupupdatedv1
(early access). `id` in here is not the event's.
"""

from schemas.events.payload import Payload, Time


class User(Payload):
    """Data of UserCreatedV1; `action` is "Create". Maps a sender's id to an e-mail address."""

    id: str | None = None
    action: str | None = None
    tenant: str | None = None
    user_id: str | None = None
    username: str | None = None
    email: str | None = None
    is_full_control: bool | None = None
    user_time_zone_id: str | None = None
    photo_thumbnail_id: str | None = None
    phone_number: str | None = None
    address: str | None = None
    location: str | None = None
    twitter: str | None = None
    title: str | None = None
    biography: str | None = None
    organization: str | None = None
    linked_in_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    is_deleted: bool | None = None
    is_deactivated: bool | None = None
    language_code: str | None = None


class UserGroup(Payload):
    """Data of UserGroupUpdatedV1."""

    id: str | None = None
    action: str | None = None
    tenant: str | None = None
    group_id: str | None = None
    name: str | None = None
    type: str | None = None
    parent_id: str | None = None
    external_id: str | None = None
    created_time: Time | None = None
    is_deleted: bool | None = None
    is_deactivated: bool | None = None
    last_modified_time: Time | None = None
    deleted_time: Time | None = None
    manager_ids: tuple[str, ...] = ()
