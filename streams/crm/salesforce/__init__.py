"""Salesforce: follow-up tasks as Task records, created once by a unique external id.

The id's field is a custom one of Activity, which Task inherits; `docs/crm/salesforce.md` says how
to set it up. Without it the connector asks before it creates (`Options.query_first`), which is
weaker: two deliveries at the same moment may both find nothing.
"""

from streams.crm.salesforce.connector import connect
from streams.crm.salesforce.options import Options

__all__ = ["Options", "connect"]
