"""The raw requests again, through nginx and HAProxy: both ends count the same requests.

If the ingress sees more requests than the proxy has passed on, one of them was smuggled: a proxy
that checks paths, addresses or certificates has not looked at it. Both reuse their connections to
the ingress, so a request that one of them ends elsewhere would run into the next caller's.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.ports import free_ports
from tests.contracts.test_raw import CASES, Case
from tests.ingress_rig import FakeSink, Served, connect, served, settings, until

HOST = "127.0.0.1"
END = b"GET /end HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
PATIENCE_SECONDS = 5.0
ENOUGH = 150
"""So many requests, at least, are good enough for a proxy to pass them on."""
NOWHERE = ("-", "", "-1")
"""In a log: of nginx's `$upstream_addr`; of the milliseconds in which HAProxy had a connection."""
HAPROXY = """
global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "%Tc"
  timeout connect 5s
  timeout client 500ms
  timeout server 5s
  timeout http-request 500ms
  timeout http-keep-alive 500ms
frontend callers
  bind {host}:{port}
  default_backend ingress
backend ingress
  http-reuse always
  server ingress {host}:{app}
"""
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 256; }}
http {{
  log_format passed_on "$upstream_addr";
  access_log access.log passed_on;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  client_max_body_size 4m;
  client_header_timeout 500ms;
  client_body_timeout 500ms;
  keepalive_timeout 500ms;
  lingering_timeout 500ms;
  upstream ingress {{ server {host}:{app}; keepalive 8; }}
  server {{
    listen {host}:{port};
    location / {{
      proxy_pass http://ingress;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


@dataclass
class Proxy:
    """A proxy in front of an app; `log` has a line for each request, and where it went to."""

    port: int
    log: Path

    def passed_on(self) -> int:
        """Count the requests that it has given to the app."""
        lines = self.log.read_text().splitlines()
        return len([line for line in lines if line not in NOWHERE])


@contextlib.asynccontextmanager
async def behind(name: str, app: int, folder: Path) -> AsyncIterator[Proxy]:
    if not (program := shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")):
        pytest.skip(f"{name} is not installed")
    (port,) = free_ports(1)
    text = (NGINX if name == "nginx" else HAPROXY).format(host=HOST, port=port, app=app)
    (folder / "configuration").write_text(text)
    log = folder / ("access.log" if name == "nginx" else "output")
    log.touch()
    how = {"nginx": ["-p", str(folder), "-e", "error.log", "-c"], "haproxy": ["-db", "-f"]}
    with (folder / "output").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            program,
            *how[name],
            str(folder / "configuration"),
            cwd=folder,
            stdout=output,
            stderr=asyncio.subprocess.DEVNULL,
        )
    try:
        await until(lambda: _answers(port), 10)
        yield Proxy(port, log)
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        async with connect(port) as connection:
            await connection.send(END)
            return b"404" in await connection.reader.read()
    except OSError:
        return False


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast lane", "application"])
async def test_what_a_proxy_passes_on_is_what_comes_in(
    tmp_path: Path, name: str, *, fast_lane: bool
) -> None:
    chosen = settings(secrets=(), allow_unsigned=True, fast_lane=fast_lane)
    async with served(FakeSink(), chosen) as app, behind(name, app.port, tmp_path) as proxy:
        odd = [each for case in CASES if (each := await _difference(app, proxy, case))]
        # What a proxy breaks off, the ingress may notice a while later: only the sums are sure.
        with contextlib.suppress(AssertionError):
            await until(lambda: proxy.passed_on() == _seen(app), 10)
        assert proxy.passed_on() == _seen(app), odd
        assert proxy.passed_on() > ENOUGH


async def _difference(app: Served, proxy: Proxy, case: Case) -> str | None:
    """Send one case; say how the two counts differ after it, if they do."""
    before = proxy.passed_on() - _seen(app)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(PATIENCE_SECONDS), connect(proxy.port) as connection:
            await connection.send(case.raw, END)
            while await connection.reader.read(65536):
                pass
    with contextlib.suppress(AssertionError):
        await until(lambda: proxy.passed_on() - _seen(app) == before, 1)
    smuggled = before - (proxy.passed_on() - _seen(app))
    return f"{case.name}: {smuggled:+}" if smuggled else None


def _seen(app: Served) -> int:
    """Count the requests the ingress has answered, or whose caller hung up."""
    families = app.metrics.registry.collect()
    names = ("geophone_ingress_requests_total", "geophone_ingress_abandoned_total")
    samples = [each for family in families for each in family.samples if each.name in names]
    return int(sum(sample.value for sample in samples))
