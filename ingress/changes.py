"""Files that are read again when they change, without a restart: secrets and certificates."""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class Changes:
    """Knows what the files were when they were last read."""

    def __init__(self, name: str, files: Sequence[Path], load: Callable[[], None]) -> None:
        """Read `files` with `load`, which raises OSError or ValueError if it cannot."""
        self._name = name
        self._files = files
        self._load = load
        self._stamp: Stamp = ()

    def read(self) -> None:
        """Read the files.

        Raises:
            OSError, ValueError: one of them cannot be read.
        """
        stamp = self._stamps()
        self._load()
        self._stamp = stamp

    def refresh(self) -> None:
        """Read the files again if they changed; if one is broken, what was read before stays."""
        try:
            if self._stamps() == self._stamp:
                return
            self.read()
        except (OSError, ValueError) as error:
            log.error("unreadable", what=self._name, error=str(error), mend="see the file")  # noqa: TRY400 - a traceback says no more
        else:
            log.info("read_again", what=self._name)

    def _stamps(self) -> Stamp:
        """What tells a changed file: a mounted Kubernetes secret changes its inode."""
        stats = (file.stat() for file in self._files)
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)
