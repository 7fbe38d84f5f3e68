"""One trial: a stack whose processes may have a defect, a short load, faults; then the books."""

from pathlib import Path

from rich.console import Console

from ops.prove.faults import Site
from ops.prove.profiles import Profile
from ops.prove.progress import Display
from ops.prove.round import Order, Played, play
from ops.prove.telling import Telling
from ops.stack import Choice, Stack
from tests.mutants.defects import VARIABLE, Scene

EVENTS_PER_SECOND = 120
SEED = 6
"""The first thousand events of it hold poison for the raw topic."""


async def play_with(defect: str, scene: Scene, folder: Path) -> Played:
    """Play a scene on a stack of its own, with this defect; an empty name is none.

    Raises:
        Exception: the trial says nothing.
    """
    console = Console()
    stack = Stack(_choice(defect, scene, folder), console.print)
    events = int(scene.seconds * EVENTS_PER_SECOND)
    profile = Profile(defect or "none", events, 0, scene.seconds, scene.faults)
    await stack.start()
    try:
        with Display(console) as display:
            order = Order("trial", SEED, profile, folder / "trial")
            return await play(Site(stack), order, Telling(display))
    finally:
        await stack.stop()


def _choice(defect: str, scene: Scene, folder: Path) -> Choice:
    return Choice(
        folder / "stack",
        port=0,
        brokers=scene.brokers,
        proxied=scene.proxied,
        revive=False,
        modules={"ingress": "tests.mutants.ingress", "streams": "tests.mutants.streams"},
        # Soon after a kill the next worker is at work.
        environment={VARIABLE: defect, "GEOPHONE_SESSION_TIMEOUT_SECONDS": "3"},
    )
