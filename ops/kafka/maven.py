"""Maven Central: fetches the jars that the lock names, and writes the lock.

To move to another Kafka, change VERSION in jars.py and run `python -m ops.kafka.maven`: it
resolves the dependencies anew and rewrites jars.lock. Read the diff before you commit it.
"""

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from ops.kafka.errors import JarsUnreachable
from ops.kafka.jars import LOCK, VERSION, Jar, digest

KAFKA = ("org.apache.kafka", "kafka_2.13", VERSION)
# Kafka logs through slf4j and brings no backend. The simple one writes to standard error, which is
# all that a child process needs; it takes the version of the slf4j-api that Kafka was built with.
LOG_API, LOG_BACKEND = ("org.slf4j", "slf4j-api"), ("org.slf4j", "slf4j-simple")
CONNECTIONS = 8  # most of the time goes into round trips, not into the 44 MB


def download(jars: list[Jar], repository: Path) -> Iterator[tuple[Jar, Path]]:
    """Each jar with the file it was fetched into, below `repository`; unchecked.

    Raises JarsUnreachable.
    """
    context = MavenContext(repo_cache=repository)
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        files = pool.map(lambda jar: _file(context, jar.group, jar.artifact, jar.version), jars)
        yield from zip(jars, files, strict=True)
    except (OSError, RuntimeError) as error:
        raise JarsUnreachable(
            f"Kafka's jars could not be fetched from Maven Central ({error}). Check the network or "
            "its proxy (HTTPS_PROXY), or use a running cluster instead: --kafka HOST:PORT."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def lock_text() -> str:
    """A lock for KAFKA, resolved and fetched anew."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch))
        jars = [Jar(*found, digest(_file(context, *found))) for found in _resolve(context)]
    head = f"# The class path of Kafka {VERSION}. Written by `python -m ops.kafka.maven`."
    return "\n".join([head, *(str(jar) for jar in sorted(jars))]) + "\n"


def _file(context: MavenContext, group: str, artifact: str, version: str) -> Path:
    return context.project(group, artifact).at_version(version).artifact().resolve()


def _resolve(context: MavenContext) -> Iterable[tuple[str, str, str]]:
    kafka = context.create_dependency(Coordinate(*KAFKA, scope="compile"))
    roots, others = context.resolver.resolve([kafka])
    for dependency in (*roots, *(each for each in others if each.scope in {"compile", "runtime"})):
        found = dependency.artifact
        yield found.groupId, found.artifactId, found.version
        if (found.groupId, found.artifactId) == LOG_API:
            yield *LOG_BACKEND, found.version


if __name__ == "__main__":
    LOCK.write_text(lock_text(), encoding="utf-8")
