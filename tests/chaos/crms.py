"""CRMs as processes of their own, for tests that kill the worker that delivers to them.

Each is disturbed by a script: three requests in ten fail, in turn with 500, with 429, by silence,
by a connection cut after the task was stored, and by a token (or signature) that is refused.
"""

import json
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal

import aiohttp
import yaml

from tests.crm_fakes import (
    dynamics,
    dynamics_driver,
    hubspot,
    hubspot_driver,
    salesforce,
    salesforce_driver,
)
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.server import State
from tests.crm_rig import SECRET
from tests.sandbox_fixture import running_sandbox

OWNER, RECIPIENT = "sam@vendor.example", "pat@customer.example"
TIMEOUT_SECONDS = 1.0
START_SECONDS = 30.0

Kind = Literal["500", "429", "hang", "drop_after_commit", "expire", "none"]
KINDS: Sequence[Kind] = ("500", "429", "hang", "drop_after_commit", "expire")
GOOD_BETWEEN = (2, 2, 3)
"""Requests that go well after each that fails: three in ten fail."""


def script(requests: int, turn: int) -> Iterator[tuple[Kind, int]]:
    """Yield what befalls so many requests or a few more, and how often in a row.

    Another turn begins with another kind.
    """
    faults = zip(cycle(KINDS), cycle(GOOD_BETWEEN), strict=False)
    for kind, good in islice(faults, turn, turn + requests // 3):
        yield kind, 1
        yield "none", good


@dataclass(frozen=True)
class Found:
    """A task in the CRM; `untouched` says that a person's work on it, if any, is still there."""

    key: str
    completed: bool
    untouched: bool


class Crm(ABC):
    """One CRM, seen by a test. `settings` are the worker's."""

    settings: Mapping[str, str]

    @abstractmethod
    async def disturb(self, requests: int, turn: int) -> None:
        """Let three in ten of so many requests fail from now on; see `script`."""

    @abstractmethod
    async def created(self) -> int:
        """Return how many tasks were created so far."""

    @abstractmethod
    async def tasks(self) -> list[Found]:
        """Return all tasks."""

    @abstractmethod
    async def complete(self, key: str) -> bool:
        """Do as a person does who has done the task; False if there is no such task."""

    @abstractmethod
    async def faults(self) -> Counter[str]:
        """Count the faults that were played, by kind; one that it does not count is not there."""


class Sandbox(Crm):
    """The sandbox, and the file that it keeps its tasks in: its interface shows 10,000 at most."""

    _FAULTS: Mapping[Kind, Mapping[str, Any]] = {
        "500": {"kind": "status", "status": 500},
        "429": {"kind": "status", "status": 429, "retry_after": 1},
        "hang": {"kind": "hang", "seconds": 3 * TIMEOUT_SECONDS},
        "drop_after_commit": {"kind": "drop_after_commit"},
        "expire": {"kind": "status", "status": 401},
        "none": {"kind": "slow", "seconds": 1e-6},
    }
    _PLAYED: Mapping[str, Kind] = {
        "status 500": "500",
        "status 429": "429",
        "status 401": "expire",
        "hung": "hang",
    }

    def __init__(self, url: str, file: Path) -> None:
        self._url = url
        self._file = file
        self.settings = {"crm": "sandbox", "crm_url": url, "crm_secret": SECRET}

    async def disturb(self, requests: int, turn: int) -> None:
        faults = [{**self._FAULTS[kind], "times": times} for kind, times in script(requests, turn)]
        await _ask("PUT", f"{self._url}/faults", faults)

    async def created(self) -> int:
        return int((await _ask("GET", f"{self._url}/tasks?limit=0"))["total"])

    async def tasks(self) -> list[Found]:
        rows = self._select("SELECT key, command, completed_at FROM tasks")
        return [Found(key, bool(at), json.loads(text)["key"] == key) for key, text, at in rows]

    async def complete(self, key: str) -> bool:
        return await _has("POST", f"{self._url}/tasks/{key}/complete")

    async def faults(self) -> Counter[str]:
        rows = self._select("SELECT outcome, fault, count(*) FROM attempts GROUP BY 1, 2")
        seen: Counter[str] = Counter()
        for outcome, fault, count in rows:
            dropped = fault == "drop_after_commit"
            seen[fault if dropped else self._PLAYED.get(outcome, "")] += count
        del seen[""]
        return seen

    def _select(self, query: str) -> list[Any]:
        db = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()


class Vendors(Crm):
    """A vendor's fake."""

    _FAULTS: Mapping[Kind, Fault] = {
        "500": Fault("status", status=500),
        "429": Fault("status", status=429, headers={"Retry-After": "1"}),
        "hang": Fault("hang", seconds=3 * TIMEOUT_SECONDS),
        "drop_after_commit": Fault("drop_after_commit"),
        "expire": Fault("expire"),
        "none": Fault("slow"),
    }
    _PLAYED: Mapping[str, Kind] = {
        "fault 500": "500",
        "fault 429": "429",
        "unauthorized": "expire",
    }

    def __init__(self, name: str, url: str, credentials: Path) -> None:
        self._url = f"{url}/_fake"
        self.settings = {
            "crm": name,
            "crm_url": url,
            "crm_credentials_file": str(credentials),
            "crm_requests_per_second": "100",
        }

    async def disturb(self, requests: int, turn: int) -> None:
        faults = [
            {**asdict(self._FAULTS[kind]), "times": times} for kind, times in script(requests, turn)
        ]
        await _ask("PUT", f"{self._url}/faults", faults)

    async def created(self) -> int:
        return int((await _ask("GET", f"{self._url}/outcomes")).get("created", 0))

    async def tasks(self) -> list[Found]:
        return [
            Found(one["key"], one["completed"], one["completed"] == ("person" in one["subject"]))
            for one in await _ask("GET", f"{self._url}/tasks")
        ]

    async def complete(self, key: str) -> bool:
        return await _has("POST", f"{self._url}/complete/{key}")

    async def faults(self) -> Counter[str]:
        outcomes = await _ask("GET", f"{self._url}/outcomes")
        return Counter({kind: outcomes.get(name, 0) for name, kind in self._PLAYED.items()})


@dataclass(frozen=True)
class _Vendor:
    """`credentials` takes the fake's URL."""

    module: str
    driver: Driver
    credentials: Callable[[str], Mapping[str, str]]


VENDORS = {
    "dynamics": _Vendor(
        "tests.crm_fakes.dynamics",
        dynamics_driver.DRIVER,
        lambda url: {
            "tenant_id": dynamics.TENANT_ID,
            "client_id": dynamics.CLIENT_ID,
            "client_secret": dynamics.CLIENT_SECRET,
            "authority": url,
        },
    ),
    "hubspot": _Vendor(
        "tests.crm_fakes.hubspot",
        hubspot_driver.DRIVER,
        lambda _: {"access_token": hubspot.PAT},
    ),
    "salesforce": _Vendor(
        "tests.crm_fakes.salesforce",
        salesforce_driver.DRIVER,
        lambda _: {"client_id": salesforce.CLIENT_ID, "client_secret": salesforce.CLIENT_SECRET},
    ),
}


@contextmanager
def running(name: str, folder: Path, refused: str = "") -> Iterator[Crm]:
    """Run the CRM of this name, of `VENDORS` or the sandbox, with its files in `folder`.

    A vendor's refuses the task of the subject `refused` for good.
    """
    folder.mkdir()
    if name == "sandbox":
        with running_sandbox(folder, secret=SECRET) as url:
            yield Sandbox(url, folder / "crm.db")
        return
    vendor = VENDORS[name]
    ids = vendor.driver.ids
    state = State(
        users={OWNER: ids["user"]},
        contacts={RECIPIENT: ids["contact"]},
        refused={refused: vendor.driver.terminal[0]},
    )
    with _fake(vendor.module, folder, state) as url:
        credentials = folder / "credentials.yaml"
        credentials.write_text(yaml.safe_dump(dict(vendor.credentials(url))))
        yield Vendors(name, url, credentials)


@contextmanager
def _fake(module: str, folder: Path, state: State) -> Iterator[str]:
    file, ready = folder / "state.json", folder / "ready.json"
    file.write_text(json.dumps(asdict(state) | {"missing": []}))
    command = [sys.executable, "-m", module, "--port-file", str(ready), "--state", str(file)]
    with subprocess.Popen(command) as process:
        try:
            deadline = monotonic() + START_SECONDS
            while not ready.exists():
                assert process.poll() is None, "the fake ended"
                assert monotonic() < deadline, "the fake did not start"
                sleep(0.02)
            yield str(json.loads(ready.read_text())["url"])
        finally:
            process.terminate()


async def _has(method: str, url: str) -> bool:
    async with aiohttp.request(method, url) as answer:
        assert answer.status in (200, 404), await answer.text()
        return answer.status == 200


async def _ask(method: str, url: str, body: Any = None) -> Any:
    async with aiohttp.request(method, url, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()
