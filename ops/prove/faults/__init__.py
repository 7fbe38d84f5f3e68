"""The faults, by name: what `geophone prove` can do to a stack. Each heals what it has done."""

import signal
from collections.abc import Mapping

from ops.prove.faults import brokers, crm, disk, links, processes, storm
from ops.prove.faults.fault import Fault
from ops.prove.faults.nothing import nothing
from ops.prove.faults.site import FaultFailed, NotHere, Site
from ops.prove.pipe import Way
from ops.prove.wiring import CLIENT_INGRESS, INGRESS_KAFKA, STREAMS_CRM, STREAMS_KAFKA

KILL_INGRESS, KILL_WORKER = "kill ingress", "kill worker"
KILL_ONE_BROKER = ("kill broker", "kill leaders' broker", "kill controller")
WORKERS_AWAY = "workers away"
NOTHING = "nothing"

_KILL, _TERM = signal.SIGKILL, signal.SIGTERM

_INGRESSES = (
    Fault(KILL_INGRESS, "ingress", 2, processes.one("ingress", _KILL), kills=1),
    Fault("kill both ingresses", "ingress", 3, processes.every("ingress", _KILL), kills=2),
    Fault("term ingress", "ingress", 3, processes.one("ingress", _TERM)),
    Fault("pause ingress", "ingress", 9, processes.frozen("ingress", 3, 8)),
    Fault("rolling restart of ingresses", "ingress", 6, processes.rolling("ingress")),
)

_WORKERS = (
    Fault(KILL_WORKER, "streams", 3, processes.one("streams", _KILL), kills=1),
    Fault("kill all workers", "streams", 4, processes.every("streams", _KILL), kills=2),
    Fault("term worker", "streams", 4, processes.one("streams", _TERM)),
    Fault("pause worker", "streams", 8, processes.frozen("streams", 3, 5)),
    # The stack's workers have a session time-out of 6 s.
    Fault("zombie worker", "streams", 14, processes.frozen("streams", 8, 11)),
    Fault("rolling restart of workers", "streams", 15, processes.rolling("streams")),
    Fault("rebalance storm", "streams", 20, storm.rebalances(6)),
    # Long enough, at this rate, for a backlog of 60,000.
    Fault(WORKERS_AWAY, "streams", 165, processes.away("streams", 150), rate=400),
)

_BROKERS = (
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
    # On a busy machine the two restarts before the disk fills take a minute: the load has to last.
    Fault("disk of a broker full", "kafka", 90, disk.full),
    Fault("cut broker-broker", "kafka", 12, links.replication_cut(4, 8, one_way=False), wired=True),
    Fault(
        "cut broker-broker one way",
        "kafka",
        12,
        links.replication_cut(4, 8, one_way=True),
        wired=True,
    ),
)


def _cut(name: str, kind: str, *ways: Way) -> Fault:
    return Fault(name, "links", 8, links.changed(kind, links.CUT, 4, 8, *ways), wired=True)


_LINKS = (
    _cut("cut ingress-kafka", INGRESS_KAFKA),
    _cut("cut ingress to kafka", INGRESS_KAFKA, Way.UP),
    _cut("cut kafka to ingress", INGRESS_KAFKA, Way.DOWN),
    Fault(
        "cut ingress-broker",
        "links",
        8,
        links.changed(INGRESS_KAFKA, links.CUT, 4, 8, choose=links.one_link),
        wired=True,
    ),
    Fault(
        "bad line ingress-kafka",
        "links",
        8,
        links.changed(INGRESS_KAFKA, links.BAD_LINE, 6, 8),
        wired=True,
    ),
    Fault("reset ingress-kafka", "links", 6, links.reset(INGRESS_KAFKA, 4, 6), wired=True),
    _cut("cut streams-kafka", STREAMS_KAFKA),
    _cut("cut streams to kafka", STREAMS_KAFKA, Way.UP),
    _cut("cut kafka to streams", STREAMS_KAFKA, Way.DOWN),
    Fault(
        "bad line streams-kafka",
        "links",
        8,
        links.changed(STREAMS_KAFKA, links.BAD_LINE, 6, 8),
        wired=True,
    ),
    Fault("reset streams-kafka", "links", 6, links.reset(STREAMS_KAFKA, 4, 6), wired=True),
    _cut("cut client-ingress", CLIENT_INGRESS),
    Fault("reset client-ingress", "links", 6, links.reset(CLIENT_INGRESS, 4, 6), wired=True),
    _cut("cut streams-crm", STREAMS_CRM),
)

_CRM = (
    Fault("crm down", "crm", 7, links.refused(STREAMS_CRM, 4, 8), wired=True),
    Fault("crm slow", "crm", 7, crm.scripted(4, 8, kind="slow", seconds=2)),
    Fault("crm 429", "crm", 7, crm.scripted(4, 8, kind="status", status=429, retry_after=1)),
    Fault("crm 500", "crm", 7, crm.scripted(4, 8, kind="status", status=500)),
    Fault("crm drops after commit", "crm", 7, crm.scripted(4, 8, kind="drop_after_commit")),
)

_ROWS = (Fault(NOTHING, "none", 5, nothing), *_INGRESSES, *_WORKERS, *_BROKERS, *_LINKS, *_CRM)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ROWS}

__all__ = [
    "FAULTS",
    "KILL_INGRESS",
    "KILL_ONE_BROKER",
    "KILL_WORKER",
    "NOTHING",
    "WORKERS_AWAY",
    "Fault",
    "FaultFailed",
    "NotHere",
    "Site",
]
