"""What `geophone up` prints when everything runs."""

from pathlib import Path

import pytest

from ops.stack import Choice, Stack
from ops.up import instructions


class Running(Stack):
    """A stack as it looks when it runs; nothing is started."""

    bootstrap_servers = "127.0.0.1:9092"
    webhook_urls = ["http://127.0.0.1:8080/webhook"]  # noqa: RUF012 - stands for a property
    crm_url = "http://127.0.0.1:8081"


@pytest.mark.parametrize(
    ("brokers", "kafka", "told"),
    [(1, None, True), (3, None, False), (1, "kafka.example.com:9092", False)],
)
def test_one_broker_of_our_own_is_told_to_promise_less(
    tmp_path: Path, brokers: int, kafka: str | None, *, told: bool
) -> None:
    choice = Choice(tmp_path, brokers=brokers, kafka=kafka)
    said = instructions(Running(choice, lambda _: None)).plain
    assert ("One broker keeps one copy" in said) == told
    assert ("loses events that were answered 2xx" in said) == told
    assert max(map(len, said.split("Send an event")[0].splitlines())) <= 100
