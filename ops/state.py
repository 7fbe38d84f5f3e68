"""The files of a stack's state folder that are the stack's own: lock, secrets, stack.json."""

import secrets
import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any, TextIO

import orjson

from ops.kafka import hold


class StateInUse(Exception):
    """The folder is another's; the message says whose and what to do."""


class State:
    """One state folder. Everything a stack writes is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.stack_file = self.folder / "stack.json"
        self.secret_file = self.folder / "secret"
        self.crm_secret_file = self.folder / "crm-secret"
        self._lock_file = self.folder / "lock"
        self._forgettable = self.folder / "emptied-at-each-start"
        self._hold: TextIO | None = None

    def own(self) -> None:
        """Keep others out until `release`, or until this process is gone.

        Raises:
            StateInUse: another stack runs in the folder, or another run goes on there.
        """
        if self._hold:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._hold = hold.take(self._lock_file)
        if self._hold is None:
            raise StateInUse(
                f"another stack runs in {self.folder}: stop it, or choose another --state-dir"
            )

    def release(self) -> None:
        if self._hold:
            self._hold.close()
            self._hold = None

    def forget(self) -> None:
        """Own the folder, and empty it of what an earlier run left that began with this, too.

        Raises:
            StateInUse: a stack runs in it, or it holds what somebody may want to keep.
        """
        if self._is_worth_keeping():
            raise StateInUse(
                f"{self.folder} would be emptied, but it holds files that no demo or proof put "
                "there: choose a new folder with --state-dir"
            )
        self.own()
        self._forgettable.touch()
        # The lock stays: in a file that is gone it would keep nobody out.
        for each in {*self.folder.iterdir()} - {self._lock_file, self._forgettable}:
            _delete(each)

    def _is_worth_keeping(self) -> bool:
        occupied = self.folder.exists() and any(self.folder.iterdir())
        return occupied and not self._forgettable.exists()

    def make_secrets(self) -> None:
        """Make up the secrets, once: a second start goes on with the same ones."""
        _write_once(self.secret_file, secrets.token_hex(32))
        _write_once(self.crm_secret_file, "whsec_" + b64encode(secrets.token_bytes(32)).decode())

    @property
    def secret(self) -> str:
        return self.secret_file.read_text().strip()

    def announce(self, stack: dict[str, Any]) -> None:
        """Write stack.json, if it says anything new; nobody sees half of it."""
        content = orjson.dumps(stack, option=orjson.OPT_INDENT_2) + b"\n"
        if self.stack_file.exists() and self.stack_file.read_bytes() == content:
            return
        draft = self.stack_file.with_suffix(".tmp")
        draft.write_bytes(content)
        draft.replace(self.stack_file)

    def withdraw(self) -> None:
        """Remove stack.json: nothing runs any more."""
        self.stack_file.unlink(missing_ok=True)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _write_once(path: Path, secret: str) -> None:
    """Write a secret that only its owner may read, whole or not at all."""
    if path.exists():
        return
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(secret + "\n")
    draft.replace(path)
