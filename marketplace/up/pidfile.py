"""``var/up.pid``: which process runs ``make up`` here, and where its site is.

The file is locked as long as that process lives. A number in a file could outlive its
process and come to mean another one; a lock cannot.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from marketplace.embedded import var_dir
from marketplace.up.errors import AlreadyRunning

POLL_SECONDS = 0.02
# Asking takes the lock for a moment, which must not look like a site that runs.
PATIENCE_SECONDS = 0.5


class Running(NamedTuple):
    """The process of a ``make up`` and its address, which is empty until the site serves."""

    pid: int
    url: str


def running() -> Running | None:
    """Return the ``make up`` that runs on this state, if one does."""
    path = _path()
    if not path.exists():
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, url = file.read().partition("\n")
            return Running(int(pid), url.strip()) if pid else None
    return None


@contextmanager
def held(pid: int) -> Iterator[Callable[[str], None]]:
    """Be the ``make up`` of this state; the function tells others the address.

    Raises:
        AlreadyRunning: another process is.
    """
    _path().parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_path(), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(descriptor)

        def tell(url: str) -> None:
            # Written over before it is cut, so that no reader finds it empty.
            text = f"{pid}\n{url}\n".encode()
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))

        tell("")
        yield tell
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise AlreadyRunning(_where()) from None
        time.sleep(POLL_SECONDS)


def _where() -> str:
    site = running()
    if site is None:
        return "It is about to end."
    return f"{site.url or 'It is still starting.'} (process {site.pid})"


def _path() -> Path:
    return var_dir() / "up.pid"
