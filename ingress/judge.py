"""What to do with a call: the whole decision, without I/O and without a clock.

Order matters. A wrong signature ends it. A verification comes next because it may be unsigned.
Then whoever has not signed is sent away, and from there on nothing is answered 4xx: a sender that
signs and gets a 4xx repeats the same bytes 26 times and then drops them for good.
"""

from collections.abc import Mapping
from typing import Any

from ingress import answers, verification
from ingress.answers import Answer
from ingress.keyring import Keyring, Signature
from ingress.record import Call, Record
from schemas import ambiguity, envelope, headers, lifecycle
from schemas.envelope import MAX_NAME
from schemas.lifecycle import Callback
from schemas.reasons import Malformed, Reason
from schemas.topics import Topics


class Judge:
    """Turns a call into an answer, or into a record whose answer waits for Kafka."""

    def __init__(
        self, keyring: Keyring, topics: Topics, *, legacy_tenant: str, allow_unsigned: bool
    ) -> None:
        self._keyring = keyring
        self._topics = topics
        self._legacy_tenant = legacy_tenant
        self._allow_unsigned = allow_unsigned

    def __call__(self, call: Call, received_ms: int) -> Answer | Record:
        """Judge one complete call that came at `received_ms`, in epoch milliseconds."""
        signature = self._keyring.check(call.body, call.signatures)
        if signature is Signature.WRONG:
            return answers.UNSIGNED
        if signature is Signature.GOOD or self._allow_unsigned:
            return self._trusted(call, received_ms)
        return _stranger(call.body)

    def _trusted(self, call: Call, received_ms: int) -> Answer | Record:
        parsed: dict[str, Any] = {}
        try:
            parsed = envelope.parse(call.body)
            return verification.recognise(parsed) or self._record(call, received_ms, parsed)
        except Malformed as malformed:
            return self._set_aside(call, received_ms, malformed, _tenant(parsed, malformed.reason))

    def _record(self, call: Call, received_ms: int, parsed: dict[str, Any]) -> Record:
        if name := ambiguity.repeated(parsed, call.body):
            raise Malformed(Reason.AMBIGUOUS, f"{name} stands there twice")
        if callback := lifecycle.recognise(parsed):
            return self._lifecycle(call, received_ms, callback)
        event = envelope.interpret(parsed, call.body, legacy_tenant=self._legacy_tenant)
        return Record(
            self._topics.raw.name,
            event.tenant_id.encode(),
            call.body,
            headers.of_event(event, received_ms, call.traceparent),
            received_ms,
            answers.STORED,
        )

    def _lifecycle(self, call: Call, received_ms: int, callback: Callback) -> Record:
        if max(len(callback.tenant_id), len(callback.request_id)) > MAX_NAME:
            raise Malformed(Reason.WRONG_SHAPE, f"a name is longer than {MAX_NAME} characters")
        return Record(
            self._topics.lifecycle.name,
            callback.tenant_id.encode(),
            call.body,
            headers.of_callback(callback, received_ms, call.traceparent),
            received_ms,
            answers.LIFECYCLE,
        )

    def _set_aside(
        self, call: Call, received_ms: int, why: Malformed, tenant: str | None
    ) -> Record:
        what = headers.of_malformed(call.body, received_ms, call.traceparent)
        return Record(
            self._topics.quarantine.name,
            tenant.encode() if tenant else None,
            call.body,
            what + headers.reason(why.reason, why.detail),
            received_ms,
            answers.QUARANTINED,
            why.reason.value,
        )


def _stranger(body: bytes) -> Answer:
    """A stranger may verify, and that is all; whatever else it sends is not even parsed."""
    if len(body) > verification.LARGEST_BODY:
        return answers.UNSIGNED
    try:
        return verification.recognise(envelope.parse(body)) or answers.UNSIGNED
    except Malformed:
        return answers.UNSIGNED


def _tenant(parsed: Mapping[str, Any], reason: Reason) -> str | None:
    tenant = None if reason is Reason.AMBIGUOUS else parsed.get("tenantId")
    return tenant if isinstance(tenant, str) and 0 < len(tenant) <= MAX_NAME else None
