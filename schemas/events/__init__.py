"""What each event type's `data` looks like, for those who act on it.

Nothing on the way from HTTP to a topic needs these models: the bytes are passed on as they came.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from schemas import catalogue
from schemas.events.email import Email

MODELS: Mapping[str, type[BaseModel]] = {
    catalogue.EMAIL.name: Email,
    catalogue.EMAIL_ENRICHED.name: Email,
}
