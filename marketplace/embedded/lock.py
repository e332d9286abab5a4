"""One starter at a time: whoever comes second finds the servers running."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from marketplace.embedded.errors import StateNotOurs
from marketplace.embedded.paths import var_dir


@contextmanager
def alone() -> Iterator[None]:
    """Hold the right to start or stop servers; the kernel takes it back from whoever dies.

    Raises:
        StateNotOurs: ``var/``, or something in it, is closed to the caller.
    """
    try:
        var_dir().mkdir(parents=True, exist_ok=True)
        descriptor = os.open(var_dir() / ".lock", os.O_RDONLY | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except PermissionError as error:
        raise StateNotOurs(error.filename or "") from error
