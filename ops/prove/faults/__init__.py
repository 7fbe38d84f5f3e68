"""The faults, by name: what `geophone prove` can do to a stack. Each heals what it has done."""

import signal
from collections.abc import Mapping
from random import Random

from ops.prove.faults import brokers, processes
from ops.prove.faults.fault import Fault
from ops.prove.faults.nothing import nothing
from ops.prove.faults.site import FaultFailed, NotHere, Site
from ops.prove.history import Strike

KILL_INGRESS, KILL_WORKER = "kill ingress", "kill worker"
KILL_ONE_BROKER = ("kill broker", "kill leaders' broker", "kill controller")
NOTHING = "nothing"

_KILL, _TERM = signal.SIGKILL, signal.SIGTERM

_ROWS = (
    Fault(NOTHING, "none", 5, nothing),
    Fault(KILL_INGRESS, "ingress", 2, processes.one("ingress", _KILL), kills=1),
    Fault("kill both ingresses", "ingress", 3, processes.every("ingress", _KILL), kills=2),
    Fault("term ingress", "ingress", 3, processes.one("ingress", _TERM)),
    Fault("pause ingress", "ingress", 9, processes.frozen("ingress", 3, 8)),
    Fault("rolling restart of ingresses", "ingress", 6, processes.rolling("ingress")),
    Fault(KILL_WORKER, "streams", 3, processes.one("streams", _KILL), kills=1),
    Fault("kill all workers", "streams", 4, processes.every("streams", _KILL), kills=2),
    Fault("term worker", "streams", 4, processes.one("streams", _TERM)),
    Fault("pause worker", "streams", 8, processes.frozen("streams", 3, 5)),
    # The stack's workers have a session time-out of 6 s.
    Fault("zombie worker", "streams", 14, processes.frozen("streams", 8, 11)),
    Fault("rolling restart of workers", "streams", 15, processes.rolling("streams")),
    Fault("kill broker", "kafka", 12, brokers.killed(brokers.any_one, 0.5, 4), kills=1),
    Fault("kill leaders' broker", "kafka", 12, brokers.killed(brokers.the_leader, 0.5, 4), kills=1),
    Fault("kill controller", "kafka", 12, brokers.killed(brokers.the_controller, 0.5, 4), kills=1),
    Fault("kill all brokers", "kafka", 20, brokers.killed(brokers.all_of_them, 3, 3), kills=3),
    Fault(
        "min.insync.replicas lost", "kafka", 20, brokers.killed(brokers.all_but_one, 4, 7), kills=2
    ),
    Fault("term broker", "kafka", 12, brokers.terminated(brokers.any_one, 0.5, 4)),
    Fault("pause broker", "kafka", 10, brokers.frozen(brokers.any_one, 3, 8)),
    Fault("pause controller", "kafka", 10, brokers.frozen(brokers.the_controller, 3, 8)),
    Fault("pause all brokers", "kafka", 10, brokers.frozen(brokers.all_of_them, 3, 8)),
    Fault("rolling restart of brokers", "kafka", 30, brokers.rolling),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ROWS}

__all__ = [
    "FAULTS",
    "KILL_INGRESS",
    "KILL_ONE_BROKER",
    "KILL_WORKER",
    "NOTHING",
    "Fault",
    "FaultFailed",
    "NotHere",
    "Random",
    "Site",
    "Strike",
]
