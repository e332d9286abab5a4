"""Where the embedded servers keep their state and their sockets."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from marketplace.embedded.errors import StateNotOurs

CHECKOUT = Path(__file__).resolve().parents[2]
# The system takes about 107 bytes for a socket's path, and PostgreSQL's lock file has the longest.
SOCKET_PATH_BYTES_MAX = 100
LONGEST_SOCKET = ".s.PGSQL.5432.lock"
# A comma separates hosts for libpq, and a space or a percent sign is read in three different ways
# by the three clients of these URLs.
PLAIN_PATH = re.compile(r"[\w./-]+", re.ASCII)


def var_dir() -> Path:
    """Return the folder of all state: ``var/`` of the checkout, or ``CROWDWRIGHT_VAR``."""
    return Path(os.environ.get("CROWDWRIGHT_VAR") or CHECKOUT / "var").resolve()


def log_path(name: str) -> Path:
    """Return the log file of the process called ``name``."""
    return var_dir() / "log" / f"{name}.log"


def socket_dir() -> Path:
    """Return the folder of the servers' sockets; it need not exist yet.

    A deep or oddly named checkout has it in ``/tmp``, under a name derived from its path: not in
    ``TMPDIR``, which differs between sessions and can be deep itself.

    Raises:
        StateNotOurs: somebody else made that folder, and would answer on its sockets.
    """
    var = var_dir()
    inside = var / "run"
    if len(bytes(inside / LONGEST_SOCKET)) <= SOCKET_PATH_BYTES_MAX and PLAIN_PATH.fullmatch(
        str(inside)
    ):
        return inside
    digest = hashlib.sha256(bytes(var)).hexdigest()[:12]
    outside = Path("/tmp") / f"crowdwright-{digest}"  # noqa: S108  (its owner is checked below)
    if outside.is_symlink() or (outside.exists() and outside.stat().st_uid not in _trusted(var)):
        raise StateNotOurs(outside)
    return outside


def _trusted(var: Path) -> set[int]:
    """Return the user ids whose sockets may be used: the caller's, and those of the state."""
    states = [var, *var.glob("pg18*"), *var.glob("redis-data")]
    return {os.geteuid(), *(state.stat().st_uid for state in states if state.exists())}
