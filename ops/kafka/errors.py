"""What can keep a local Kafka from running. Each message says what to do next."""


class LocalKafkaError(Exception):
    """Base of everything that the local Kafka raises on purpose."""


class JarsUnreachable(LocalKafkaError):
    """The jars are not cached and could not be fetched."""


class JarsRefused(LocalKafkaError):
    """A jar is missing, extra, or not the one that the lock names."""


class FolderInUse(LocalKafkaError):
    """The state folder belongs to another running process, or to another number of brokers."""


class BrokerDied(LocalKafkaError):
    """A broker ended by itself; the message ends with its last log lines."""


class NotReady(LocalKafkaError):
    """The brokers run, but no record went through them within the deadline."""
