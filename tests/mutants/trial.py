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

EVENTS, SECONDS, SEED = 3000, 15.0, 1


async def play_with(defect: str, scene: Scene, folder: Path) -> Played:
    """Play a scene on a stack of its own, with this defect; an empty name is none.

    Raises:
        Exception: the trial says nothing.
    """
    console = Console()
    stack = Stack(_choice(defect, scene, folder), console.print)
    profile = Profile(defect or "none", EVENTS, 0, SECONDS, scene.faults)
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
