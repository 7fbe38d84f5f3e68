"""The sockets that are listened on, and how many open files their connections need."""

import resource
import socket

from ingress.settings import Misconfigured, Settings

REQUEST_BYTES = 128 * 1024
"""What the kernel keeps of a connection's requests: a mebibyte arrives in time over 200 ms."""

ANSWER_BYTES = 4 * 1024
"""What the kernel keeps of a connection's answers until they are read: a few. Left to itself it
keeps up to 4 MB for each caller that does not read."""

OTHER_FILES = 512
"""Open files beside the public port's connections within the limit: those that are told to go, the
admin port's, Kafka's."""


class Unbindable(Exception):
    """The operator's to mend: an address cannot be listened on."""


def allow_files(connections: int) -> None:
    """Raise the soft limit of open files to what the connections need.

    Raises:
        Misconfigured: the hard limit is lower.
    """
    needed = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Misconfigured(
            f"GEOPHONE_MAX_CONNECTIONS: {connections} connections need {needed} open files and "
            f"this process may have {hard}; lower it, or raise the limit (ulimit -Hn)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def listen_publicly(settings: Settings, sockets: int = 1) -> list[socket.socket]:
    """Listen on the public port, with several sockets if it is shared.

    Raises:
        Unbindable: the address cannot be listened on.
    """
    port, opened = settings.port, []
    for _ in range(sockets):
        public = listen("GEOPHONE_PORT", settings.host, port, shared=sockets > 1)
        public.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
        public.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, REQUEST_BYTES)
        port = public.getsockname()[1]
        opened.append(public)
    return opened


def listen(variable: str, host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        address = variable.replace("PORT", "HOST")
        raise Unbindable(
            f"{variable}: cannot listen on {host} port {port} ({error.strerror}); "
            f"choose another {variable} or {address}, or end what uses it"
        ) from error


def url(listener: socket.socket, *, tls: bool = False) -> str:
    scheme = "https" if tls else "http"
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{scheme}://[{reachable}]:{port}" if ":" in host else f"{scheme}://{reachable}:{port}"
