"""What is searched: each target's property, and what its search starts from."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from fuzz import seeds

INSTRUMENTED = ["ingress", "schemas", "streams", "fuzz"]


@dataclass(frozen=True, slots=True)
class Target:
    """`check` raises for a find; `seeds` are what the search starts from."""

    check: Callable[[], AbstractContextManager[Callable[[bytes], None]]]
    seeds: Callable[[], list[bytes]]
    max_bytes: int


@contextmanager
def _body() -> Iterator[Callable[[bytes], None]]:
    from fuzz import body  # noqa: PLC0415 - once the instrumentation is on

    yield body.check


@contextmanager
def _wire() -> Iterator[Callable[[bytes], None]]:
    from fuzz import wire  # noqa: PLC0415 - the same

    with wire.opened() as check:
        yield check


TARGETS = {
    "body": Target(_body, seeds.bodies, 4096),
    "wire": Target(_wire, seeds.requests, 4096),
}
