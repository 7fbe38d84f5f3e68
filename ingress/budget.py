"""How much may wait for Kafka: records and bytes, so that memory stays bounded in an outage."""

from ingress.sink import Cause, Unavailable


class Budget:
    """A count and a sum of bytes, both limited."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self.records = 0
        self.bytes = 0

    def take(self, size: int) -> None:
        """Take room for one record of `size` bytes.

        Raises:
            Unavailable: there is none left; nothing was taken.
        """
        if self.records >= self._max_records or self.bytes + size > self._max_bytes:
            raise Unavailable(Cause.FULL, f"{self.records} records, {self.bytes} bytes wait")
        self.records += 1
        self.bytes += size

    def give_back(self, size: int) -> None:
        """Give back the room of one record of `size` bytes."""
        self.records -= 1
        self.bytes -= size
