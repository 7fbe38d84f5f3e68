"""What is to run, as the user chose it, and whether its ports can be had."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.ports import HIGHEST, free_ports, is_free

DEFAULT_PORT = 8080


class StackFailed(Exception):
    """The stack cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose; `port` is the first ingress's, the others follow it; 0 picks free ones.

    `kafka` is HOST:PORT of an existing cluster, or None for one of our own. The rest is for those
    who break it: `proxied` puts a link into every way between the processes; `revive` says whether
    a dead broker is started again by the stack; `broker_settings` win over those of
    server.properties; `modules` and `environment` as in Programs.
    """

    state_dir: Path
    port: int = DEFAULT_PORT
    brokers: int = 1
    ingresses: int = 1
    workers: int = 1
    kafka: str | None = None
    topic_prefix: str = "seismic."
    proxied: bool = False
    revive: bool = True
    broker_settings: Mapping[str, object] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def ingress_ports(first: int, count: int) -> list[int]:
    """Choose the ingresses' ports, before anything that takes time has been started."""
    if not first:
        return free_ports(count)
    ports = list(range(first, first + count))
    if ports[-1] > HIGHEST:
        raise StackFailed(f"there is no port {ports[-1]}: choose a lower --port")
    for port in ports:
        if not is_free(port):
            raise StackFailed(
                f"port {port} is taken by another program: choose another --port (0 picks one)"
            )
    return ports
