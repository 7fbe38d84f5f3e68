"""HubSpot: tasks by the CRM objects API, version 2026-09. Set-up: docs/crm/hubspot.md."""

from streams.crm.hubspot.connector import connect
from streams.crm.hubspot.options import Options

__all__ = ["Options", "connect"]
