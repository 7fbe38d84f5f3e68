"""The followup stage: what it tells of what it decided."""

from collections import Counter

import structlog

from schemas.topics import Topics
from streams import metrics
from streams.followup import Decision
from streams.followup_stage import FollowupHandler
from streams.transaction import Output
from tests.records import record


class Producer:
    """Stands for the transactional producer."""

    async def commit(self, outputs: list[Output], next_offset: int) -> None:
        assert (outputs, next_offset) == ([], 8)


async def test_who_is_left_out_is_counted_and_logged_by_place_and_reason() -> None:
    decision = Decision(left_out=Counter({(7, "a recipient's id is a string …"): 2}))
    handler = FollowupHandler(Producer(), Topics(), lambda _: decision)  # type: ignore[arg-type] # it stands for it
    before = metrics.LEFT_OUT._value.get()
    with structlog.testing.capture_logs() as logs:
        assert await handler.handle([record(b"pat@customer.example", 7, topic="emails")], 8)
    assert metrics.LEFT_OUT._value.get() - before == 2
    (told,) = logs
    assert (told["event"], told["count"]) == ("recipients_left_out", 2)
    assert (told["topic"], told["partition"], told["offset"]) == ("emails", 3, 7)
    assert "pat@" not in str(told)
