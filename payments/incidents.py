"""What does not fit together: found by a job, said once, and ended by a human with words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from payments.errors import AlreadyResolved, ResolutionMissing
from payments.models import Incident


def raise_incident(kind: str, subject: str, details: Mapping[str, object], now: datetime) -> bool:
    """Tell a human about ``subject``; return whether it was news.

    Said once per kind and subject, resolved or not: what may happen again needs a subject that
    tells one time from the next, such as a day. ``details`` must be JSON.
    """
    found = {"details": dict(details), "found_at": now}
    return Incident.objects.get_or_create(kind=kind, subject=subject, defaults=found)[1]


def resolve(*, incident_id: int, resolution: str, actor_id: int, now: datetime) -> None:
    """End an incident: ``resolution`` says what it was and what was done.

    Raises:
        AlreadyResolved: somebody has ended it before.
        ResolutionMissing: there are no words.
    """
    words = resolution.strip()
    if not words:
        raise ResolutionMissing
    waiting = Incident.objects.filter(pk=incident_id, resolved_at=None)
    if not waiting.update(resolved_at=now, resolved_by_id=actor_id, resolution=words):
        raise AlreadyResolved
