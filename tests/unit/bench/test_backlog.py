"""The backlog of the streams' benchmark: the same for every worker, a fifth of it twice."""

import orjson

from bench import backlog
from schemas import envelope


def test_it_is_the_same_every_time() -> None:
    assert list(backlog.events(0, 500)) == list(backlog.events(0, 500))


def test_two_backlogs_share_no_event() -> None:
    first, second = (
        {orjson.loads(body)["id"] for _, body in backlog.events(start, 500)} for start in (0, 500)
    )
    assert not first & second


def test_a_fifth_comes_twice_and_each_is_a_whole_event() -> None:
    bodies = [body for _, body in backlog.events(0, 5000)]
    assert 0.78 < len(set(bodies)) / len(bodies) < 0.82
    assert {len(body) for body in bodies} == {backlog.BYTES}
    for tenant, body in backlog.events(0, 50):
        assert envelope.read(body, legacy_tenant="legacy").tenant_id.encode() == tenant
