"""The stack that the end-to-end tests share."""

import signal
from collections.abc import Iterator

import pytest

from tests.up_rig import Up, gone


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Two ingresses and two workers. Who breaks one of them waits until it is back."""
    stack = Up(tmp_path_factory.mktemp("up"), "--ingresses", "2", "--workers", "2")
    try:
        yield stack.started()
        processes = stack.descendants()
        assert stack.stop(signal.SIGTERM) == 0
        assert gone(processes)
        assert not stack.stack_file.exists()
    finally:
        stack.end()
