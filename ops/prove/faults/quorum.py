"""Who the active controller is.

A broker names any broker as the controller to its clients; only the quorum itself knows better.
"""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

_METADATA = "__cluster_metadata"
_REPLICAS = CompactArray(
    ("replica_id", Int32), ("log_end_offset", Int64), ("tags", TaggedFields)
)  # fmt: skip


class _Response(Response):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = 55
    API_VERSION = 0
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition_index", Int32),
                        ("error_code", Int16),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("high_watermark", Int64),
                        ("current_voters", _REPLICAS),
                        ("observers", _REPLICAS),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):  # type: ignore[misc] # aiokafka is untyped
    FLEXIBLE_VERSION = True
    API_KEY = 55
    API_VERSION = 0
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                ("partitions", CompactArray(("index", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeQuorum(Request[_Struct]):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = 55

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        return request_struct_class([(_METADATA, [(0, {})], {})], {})


async def controller(admin: AIOKafkaAdminClient) -> int:
    """Return the number of the node that leads the metadata quorum.

    Raises:
        KafkaError: there is no leader just now, or the cluster has no such quorum.
    """
    answer = await admin._send_request(_DescribeQuorum())  # noqa: SLF001 - it has no call for it
    if answer.error_code:
        raise for_code(answer.error_code)(_METADATA)
    [(_, [(_, error_code, leader, *_), *_], *_)] = answer.topics
    if error_code:
        raise for_code(error_code)(_METADATA)
    return int(leader)
