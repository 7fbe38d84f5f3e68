"""Wires one process: settings in, a Faust app with the chosen stages out.

Agents, channels, services and the worker are Faust's. Its own Kafka transport is switched off
(`enable_kafka`, documented in faust.app.base.BootStrategy): it acknowledges events whose agent
raised and marks tables before the output exists, so it loses events, and it costs ten times the
work itself. Every byte from and to Kafka goes through `streams.source` and `streams.transaction`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import faust
import faust.app.base
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import crm_stage, dedup_stage, followup, followup_stage
from streams.actions import check_complete, types_with_actions
from streams.crm.target import Target
from streams.crm_stage import Neighbours
from streams.crm_targets import targets
from streams.health import Admin
from streams.marks import Marks, MemoryMarks, Position, RocksMarks
from streams.ownership import Handler
from streams.restore import restored
from streams.settings import Settings
from streams.source import Source, Stage
from streams.transaction import TransactionalProducer


class App(faust.App):
    """A Faust app that opens no connection to Kafka by itself."""

    class BootStrategy(faust.app.base.BootStrategy):
        """Starts agents and services, and nothing of Faust's transport."""

        enable_kafka = False

    def _create_directories(self) -> None:
        """Make none: they are for Faust's tables, and would demand a writable place to run in."""


def create_app(settings: Settings) -> App:
    """Return an app that runs the stages of `settings`; nothing is opened yet.

    Raises:
        LookupError: the table of actions is incomplete.
        ValueError: the CRM's settings are, or the task rules cannot be used.
    """
    check_complete()
    app = App(
        settings.app_id,
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
    )
    # Channels wait for this; Faust gives it when its conductor starts, which is switched off.
    app.flow_control.resume()
    builders = {"dedup": _dedup, "followup": _followup, "crm": _crm}
    sources = [source for stage in settings.stages for source in builders[stage](app, settings)]
    _add(app, Admin(sources, settings))
    for source in sources:
        _add(app, source)
    return app


def _dedup(app: App, settings: Settings) -> list[Source]:
    topics = settings.topics()
    client = settings.connection().client_arguments()

    def handler(source: TopicPartition) -> Handler:
        return dedup_stage.DedupHandler(
            TransactionalProducer(client, _group(settings, dedup_stage.STAGE), source),
            topics,
            settings.legacy_tenant,
            partial(_restored_marks, settings, TopicPartition(topics.dedup.name, source.partition)),
        )

    stage = Stage(dedup_stage.STAGE, [topics.raw.name], transactional=False)
    return [_source(app, settings, stage, handler)]


async def _restored_marks(
    settings: Settings, changelog: TopicPartition, committed: int, end: int
) -> Marks:
    def open_marks(limit: Position) -> Marks:
        if settings.marks == "memory":
            return MemoryMarks()
        folder = settings.state_dir / changelog.topic / str(changelog.partition)
        return RocksMarks.opened_not_ahead_of(folder, limit)

    client = settings.connection().client_arguments()
    return await restored(client, changelog, Position(end, committed), open_marks)


def _followup(app: App, settings: Settings) -> list[Source]:
    topics = settings.topics()
    client = settings.connection().client_arguments()
    rules = settings.rules()
    types = types_with_actions(rules)
    if not types:
        raise ValueError(
            "GEOPHONE_TASK_RULES_FILE: every rule is off; leave followup out of GEOPHONE_STAGES"
        )
    decide = partial(
        followup.decide, topics=topics, rules=rules, legacy_tenant=settings.legacy_tenant
    )

    def handler(source: TopicPartition) -> Handler:
        producer = TransactionalProducer(client, _group(settings, followup_stage.STAGE), source)
        return followup_stage.FollowupHandler(producer, topics, decide)

    read = [topics.events[name].name for name in types]
    return [_source(app, settings, Stage(followup_stage.STAGE, read, transactional=True), handler)]


def _crm(app: App, settings: Settings) -> list[Source]:
    chosen = targets(settings)
    default, *further = (_group(settings, crm_stage.stage_of(target)) for target in chosen)
    neighbours = [
        Neighbours(default, further=further),
        *(Neighbours(own, default=default) for own in further),
    ]
    return [_delivery(app, settings, *each) for each in zip(chosen, neighbours, strict=True)]


def _delivery(app: App, settings: Settings, target: Target, neighbours: Neighbours) -> Source:
    """A group for each target: one that waits for its CRM keeps no other's commands waiting."""
    topics = settings.topics()
    client = settings.connection().client_arguments()
    _add(app, crm_stage.Connection(target.crm))

    def handler(source: TopicPartition) -> Handler:
        producer = TransactionalProducer(client, neighbours.own, source)
        return crm_stage.CrmHandler(producer, topics, target, source, neighbours)

    stage = Stage(
        crm_stage.stage_of(target),
        [topics.task.name],
        transactional=True,
        # One partition that waits for the CRM must not keep another from its turn.
        at_once=settings.topic_partitions,
        max_records=crm_stage.MAX_RECORDS,
    )
    return _source(app, settings, stage, handler)


def _source(
    app: App, settings: Settings, stage: Stage, handler: Callable[[TopicPartition], Handler]
) -> Source:
    channel = app.channel()
    source = Source(stage, channel, handler, partial(_consumer, settings, stage))

    @app.agent(channel, name=stage.name, concurrency=stage.at_once)
    async def agent(batches: faust.StreamT[Any]) -> None:
        async for batch in batches:
            await source.handle(batch)

    return source


def _consumer(settings: Settings, stage: Stage) -> AIOKafkaConsumer:
    session_ms = int(settings.session_timeout_seconds * 1000)
    return AIOKafkaConsumer(
        **settings.connection().client_arguments(),
        group_id=_group(settings, stage.name),
        group_instance_id=settings.instance,
        enable_auto_commit=False,
        # Records that expire under a reader are an error, told of at the next takeover: the source
        # seeks, so nothing else is ever out of range.
        auto_offset_reset="none",
        isolation_level="read_committed" if stage.transactional else "read_uncommitted",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 6,
        rebalance_timeout_ms=60_000,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )


def _group(settings: Settings, stage: str) -> str:
    return f"{settings.app_id}-{stage}"


def _add(app: App, service: faust.Service) -> None:
    """Faust takes instances as well as classes; its annotation knows the classes only.

    Such services start after the agents and stop before them, last one first: a source lets its
    partitions go while the agents can still finish the batch in hand.
    """
    app.service(service)  # type: ignore[arg-type]
