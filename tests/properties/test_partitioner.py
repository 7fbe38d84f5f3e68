"""Every writer and every Java consumer agree on a key's partition."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioner import murmur2, partition_for

# org.apache.kafka.common.utils.UtilsTest.testMurmur2, as signed 32-bit integers.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_the_hash_is_the_one_of_kafka_s_own_test(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=200))
def test_the_hash_is_aiokafka_s_for_any_key(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) % 2**32


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=200))
def test_the_partition_is_the_one_aiokafka_chooses(key: bytes, partitions: int) -> None:
    everyone = list(range(partitions))
    assert partition_for(key, partitions) == DefaultPartitioner()(key, everyone, everyone)


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=200))
def test_the_partition_exists(key: bytes, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions
