"""Builds the program for Kafka Streams, with a compiler that needs no JDK."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from ops.kafka import jars
from ops.kafka.java import Java

HERE = Path(__file__).with_name("kafkastreams")
MAIN = "Dedup"
_ECJ = "org.eclipse.jdt.internal.compiler.batch.Main"
_JAVA = "21"
_HEAP = "-Xmx512m"


def command(into: Path, progress: Callable[[str], None]) -> list[str]:
    """Compile it into a folder; return the command that runs it.

    Raises:
        ops.kafka.errors.LocalKafkaError: its jars cannot be had.
        subprocess.CalledProcessError: it does not compile.
    """
    path = [*jars.class_path(progress), *jars.class_path(progress, lock=HERE / "jars.lock")]
    version = ["-source", _JAVA, "-target", _JAVA]
    where = ["-d", str(into), "-cp", ":".join(map(str, path)), str(HERE / f"{MAIN}.java")]
    compile_it = Java(tuple(path)).command(_ECJ, *version, *where)
    subprocess.run(compile_it, check=True, capture_output=True, text=True)
    return Java((into, *path)).command(MAIN, options=(_HEAP,))
