#!/usr/bin/env python3
"""For the stand-in of the image apache/kafka: its kafka-broker-api-versions.sh, as a health check.

Asks one broker for its API versions, as the real one does in a Java of its own, and fails if it
does not say. Called with: --bootstrap-server HOST:PORT
"""

import socket
import struct
import sys

_API_VERSIONS, _VERSION, _NUMBER = 18, 0, 1

host, port = sys.argv[-1].rsplit(":", 1)
request = struct.pack(">hhihs", _API_VERSIONS, _VERSION, _NUMBER, 1, b"x")
with socket.create_connection((host, int(port)), timeout=5) as broker:
    broker.sendall(struct.pack(">i", len(request)) + request)
    with broker.makefile("rb") as answer:
        _, number, error = struct.unpack(">iih", answer.read(10))
sys.exit(0 if (number, error) == (_NUMBER, 0) else 1)
