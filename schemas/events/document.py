"""LiveDocCompletedV2 and LDXJobStatusV1: a document, or a batch of them, was generated.

Source: developer.seismic.com/seismicsoftware/docs, pages livedoccompletedv2 and ldxjobstatusv1.
"""

from typing import Any

from schemas.events.payload import PascalPayload, Payload, Time


class GoogleFile(PascalPayload):
    """Where a Google document lies."""

    url: str | None = None
    id: str | None = None
    version_number: str | None = None


class Output(Payload):
    """The generated file; its URL may be valid for a limited time only."""

    format: str | None = None
    file_name: str | None = None
    download_url: str | None = None
    google_file: GoogleFile | None = None


class GenerationError(Payload):
    """Why the generation failed."""

    message: str | None = None


class SeismicInstance(Payload):
    """The instance of the LiveDoc."""

    instance_id: str | None = None
    instance_stage_id: str | None = None
    instance_stage_type: str | None = None
    generator: Any = None
    origin: dict[str, Any] | None = None


class Property(Payload):
    """A name with a value of any type."""

    name: str | None = None
    value: Any = None


class LiveDocCompleted(Payload):
    """Data of LiveDocCompletedV2; `status` is "Generated" or "Failed"."""

    request_id: str | None = None
    user_id: str | None = None
    status: str | None = None
    output: Output | None = None
    errors: tuple[GenerationError, ...] = ()
    seismic_instance: SeismicInstance | None = None
    client_details: Any = None
    requester: Any = None
    report: Any = None
    properties: tuple[Property, ...] = ()


class VariantCounts(Payload):
    """How many variants ended how."""

    failed: int | None = None
    canceled: int | None = None
    completed: int | None = None


class LdxJobStatus(Payload):
    """Data of LDXJobStatusV1.

    `status` is "Failed", "Cancelled" or "Complete" in the page's table, "Completed" in its sample;
    `duration` is "hh:mm:ss.ffffff".
    """

    batch_instance_id: str | None = None
    team_site_id: str | None = None
    batch_id: str | None = None
    name: str | None = None
    status: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    created_at: Time | None = None
    completed_at: Time | None = None
    duration: str | None = None
    variant_count: int | None = None
    counts: VariantCounts | None = None
    initiated_from_live_doc: bool | None = None
