"""Which partition a key belongs to: murmur2, as in Kafka's Java client.

Clients disagree on the default partitioner (librdkafka's is CRC32), so every writer here computes
the partition itself. One key then has the same partition number in every topic of geophone, and
per-tenant order survives from one topic to the next.
"""

from struct import iter_unpack

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_SIGN_BIT_OFF = 0x7FFFFFFF


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of `key` in a topic of `partitions` partitions.

    Source: org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey.
    """
    return (murmur2(key) & _SIGN_BIT_OFF) % partitions


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of `data` as an unsigned integer.

    Source: org.apache.kafka.common.utils.Utils.murmur2.
    """
    whole = len(data) & ~3
    h = _SEED ^ len(data)
    for (word,) in iter_unpack("<I", data[:whole]):
        k = (word * _MULTIPLIER) & _MASK
        h = ((h * _MULTIPLIER) & _MASK) ^ (((k ^ (k >> 24)) * _MULTIPLIER) & _MASK)
    if tail := data[whole:]:
        h = ((h ^ int.from_bytes(tail, "little")) * _MULTIPLIER) & _MASK
    h = ((h ^ (h >> 13)) * _MULTIPLIER) & _MASK
    return h ^ (h >> 15)
