"""Ends a child when its parent ends, however that ends: kill -9 included, on Linux and macOS."""

import subprocess

# The read side of our pipe sees the end of the file as soon as the system closes our end.
_SCRIPT = 'read -r _; kill -9 "$1" 2>/dev/null'


def guard(pid: int) -> subprocess.Popen[bytes]:
    """Start a watcher that kills `pid` once this process is gone.

    Kill the watcher first when the child has ended, and close its stdin.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "geophone-guard", str(pid)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
