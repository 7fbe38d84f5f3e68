"""A signing secret is replaced while events come in, and no pod starts anew for it."""

from asyncio import to_thread

import pytest
from aiohttp import ClientSession

from ops.sender import post, signed
from tests.cluster.installation import SECRET, Installation, put_secret
from tests.cluster.load import steady
from tests.cluster.trials import Record
from tests.streams_rig import eventually

pytestmark = pytest.mark.cluster
NEW = "fedcba9876543210-the-second"
_KNOWN_SECONDS = 120.0


async def test_a_secret_is_rotated_without_a_restart_and_without_a_refusal(
    geophone: Installation, record_property: Record
) -> None:
    before = await to_thread(identities, geophone)
    async with steady(geophone.load()) as load:
        await known(geophone, NEW, SECRET)
        load.secret = NEW
        await known(geophone, NEW)
        assert await answer(geophone, SECRET) == 401
        await known(geophone, SECRET, NEW)
        load.secret = SECRET
        await known(geophone, SECRET)
    record_property("done", "a secret rotated, and back")
    record_property("seen", str(load))
    assert not load.bad
    assert await to_thread(identities, geophone) == before
    await geophone.books(load)


def identities(it: Installation) -> set[tuple[str, int]]:
    """Return each receiver's pod and how often it was restarted."""
    return {
        (pod["metadata"]["uid"], each["restartCount"])
        for pod in it.kubectl.pods("ingress")
        for each in pod["status"]["containerStatuses"]
    }


async def known(it: Installation, *secrets: str) -> None:
    """Change the Secret and wait until every receiver knows it."""
    await to_thread(put_secret, it.kubectl, *secrets)
    pods = await to_thread(it.kubectl.pods, "ingress")
    metrics = [f"http://{pod['status']['podIP']}:9090/metrics" for pod in pods]

    async def all_know() -> bool:
        async with ClientSession() as session:
            for url in metrics:
                async with session.get(url) as response:
                    text = await response.text()
                if f"geophone_ingress_secrets {len(secrets)}.0" not in text:
                    return False
        return True

    await eventually(all_know, "every receiver to know the secrets", _KNOWN_SECONDS, 0.5)


async def answer(it: Installation, secret: str) -> int | None:
    _, body = it.load().next()
    async with ClientSession() as session:
        return (await post(session, it.release.url, body, signed(body, secret))).status
