"""Ports for servers that will listen a moment later."""

import socket
from pathlib import Path

import pytest

from ops import ports
from ops.ports import HOST, free_ports, is_free


def test_they_are_different_and_free() -> None:
    chosen = free_ports(50)
    assert len(set(chosen)) == 50
    assert all(map(is_free, chosen))


def test_no_port_is_given_twice_while_there_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_QUIET", range(20_000, 20_100))
    monkeypatch.setattr(ports, "_GIVEN", set())
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    given = [port for _ in range(11) for port in free_ports(9)]
    assert len(set(given)) == 99
    assert len(set(free_ports(9))) == 9


def test_a_port_that_somebody_listens_on_is_not_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    [taken, free] = free_ports(2)
    monkeypatch.setattr(ports, "_QUIET", range(min(taken, free), max(taken, free) + 1))
    with socket.create_server((HOST, taken)):
        assert taken not in [port for _ in range(20) for port in free_ports(1)]


def test_none_is_one_that_an_outgoing_connection_may_get() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else 49_152  # macOS
    assert max(free_ports(200)) < first


def test_too_many_are_refused() -> None:
    with pytest.raises(OSError, match="no 20000 free ports"):
        free_ports(20_000)
