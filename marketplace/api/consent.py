"""Whether the caller has agreed to the terms in force, without a query on the way to a claim.

Each process remembers the version in force for a minute. New terms come with 30 days' notice, so
nobody is surprised by a minute.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic

from workers import terms
from workers.errors import ConsentMissing
from workers.models import User

REMEMBERED_SECONDS = 60.0


class _Memory:
    """The version in force, and until when this process takes it for granted."""

    version = 0
    until = -1.0


def check_consent(user: User, *, now: datetime) -> None:
    """Return if ``user`` has agreed to the terms in force, else raise ``ConsentMissing``."""
    version = in_force(now=now)
    if user.terms_version < version:
        raise ConsentMissing(version)


def in_force(*, now: datetime) -> int:
    """The version in force as this process last read it; 0 where there are no terms."""
    if monotonic() >= _Memory.until:
        found = terms.current(now)
        remember(found.version if found else 0)
    return _Memory.version


def remember(version: int, seconds: float = REMEMBERED_SECONDS) -> None:
    """Take ``version`` for the one in force for a while."""
    _Memory.version, _Memory.until = version, monotonic() + seconds


def forget() -> None:
    """Read the version again at the next question."""
    _Memory.until = -1.0
