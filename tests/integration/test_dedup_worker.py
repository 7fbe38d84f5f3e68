"""The dedup stage as a process on a real broker."""

from pathlib import Path

from tests.kafka_fixture import RunningKafka
from tests.streams_rig import event, header, rig


async def test_events_are_split_by_type_and_duplicates_dropped(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path) as r:
        first = event("tenant-a", "1")
        other = event("tenant-a", "2", "NeverHeardOfV9")
        poison = b"{not json"
        await r.produce([("tenant-a", b) for b in (first, first, other, poison, first, other)])
        r.worker("w1")
        await r.until_idle()

        updated, unknown, quarantine = [
            await r.read(topic.name)
            for topic in (
                r.topics.events["LivesendUpdatedV1"],
                r.topics.events["Other"],
                r.topics.quarantine,
            )
        ]
        assert [record.value for record in updated] == [first]
        assert [record.value for record in unknown] == [other]
        assert [record.value for record in quarantine] == [poison]
        assert updated[0].key == b"tenant-a"
        assert header(updated[0], "ce_type") == "com.seismic.LivesendUpdatedV1"
        assert header(unknown[0], "ce_type") == "com.seismic.NeverHeardOfV9"
        assert header(quarantine[0], "geophone-reason") == "not-json"
        assert header(quarantine[0], "geophone-source-topic") == r.topics.raw.name
