"""What was found by searching and what a search starts from, tried again; and that it can fail."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from fuzz import body, seeds, wire
from ingress.fast_lane import FastLane
from ingress.judge import Judge
from schemas.reasons import Malformed, Reason

CORPUS = Path(body.__file__).parent / "corpus"


@pytest.fixture
def wired() -> Iterator[Callable[[bytes], None]]:
    with wire.opened() as check:
        yield check


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A log line of each of thousands of requests takes longer than the request."""
    with structlog.testing.capture_logs():
        yield


def inputs(name: str, start: list[bytes]) -> list[bytes]:
    kept = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    assert len(kept) > 20
    assert len(start) > 20
    return kept + start


def test_every_body_is_followed_to_its_end() -> None:
    for each in inputs("body", seeds.bodies()):
        body.check(each)


def test_bytes_on_a_connection_mean_one_thing(wired: Callable[[bytes], None]) -> None:
    for each in inputs("wire", seeds.requests()):
        wired(each)


def test_a_body_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Malformed(Reason.NOT_JSON, "so it is said")

    monkeypatch.setattr(Judge, "_set_aside", refuse)
    with pytest.raises(Malformed):
        body.check(b"no event")


def test_two_ways_that_differ_are_found(
    wired: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = (
        b"POST /webhook HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na"
    )
    wired(b"\xff" + encoded)
    monkeypatch.setattr(FastLane, "_ordinary", lambda _: True)
    with pytest.raises(AssertionError, match="FastLane"):
        wired(b"\xff" + encoded)
