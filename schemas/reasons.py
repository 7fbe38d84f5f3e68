"""Why bytes were set aside: the values of the `geophone-reason` header, and who raises them."""

from enum import StrEnum


class Reason(StrEnum):
    """One word per cause; operators filter and alert on it, so a value never changes meaning."""

    NOT_JSON = "not-json"
    WRONG_SHAPE = "wrong-shape"
    TOO_DEEP = "too-deep"
    AMBIGUOUS = "ambiguous"
    NO_ID = "no-id"
    NO_TENANT = "no-tenant"
    UNREADABLE_TASK = "unreadable-task"
    REFUSED_BY_CRM = "refused-by-crm"


class Malformed(Exception):
    """The sender's fault: bytes that are no event. They go to the quarantine, with the reason."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
