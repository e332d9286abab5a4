"""Rest after a long day: a notice from eight hours of work in 24, a stop at twelve.

This app does not know assignments. Whoever does (tasks.compensation.hours) sums a worker's time
and says until when it takes to fall back; here it is noted, and
every claim asks for it (tasks.distribute).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from workers import events
from workers.models import Event, Worker

WINDOW = timedelta(hours=24)  # in which work is summed
NOTICE_SECONDS = 8 * 3600
STOP_SECONDS = 12 * 3600
NOTICE, STOP = "worker_rest_advised", "worker_rest_due"  # kinds of events


@transaction.atomic
def note(*, worker_id: int, seconds: int, rested_at: datetime, now: datetime) -> bool:
    """Note that a worker has worked ``seconds`` of the last 24 hours; return if it said anything.

    From ``NOTICE_SECONDS`` on they are advised to rest, once in 24 hours. From ``STOP_SECONDS``
    on they claim nothing new until ``rested_at``, when no more than ``NOTICE_SECONDS`` of the
    24 hours before will have been work. What they hold stays theirs, and is paid. A repeat
    changes nothing.
    """
    if seconds < NOTICE_SECONDS:
        return False
    # One note at a time per worker, or two runs would both record it.
    row = Worker.objects.locked().get(pk=worker_id)
    said = {"seconds": seconds, "until": rested_at.isoformat()}
    if seconds < STOP_SECONDS:
        return _tell_once(NOTICE, worker_id, now, {"seconds": seconds})
    if row.rest_until is not None and now < row.rest_until:
        return False
    Worker.objects.filter(pk=worker_id).update(rest_until=rested_at)
    _record(STOP, worker_id, now, said)
    return True


def _tell_once(kind: str, worker_id: int, now: datetime, said: dict[str, object]) -> bool:
    history = Event.objects.filter(subject_kind="worker", subject_id=worker_id, kind=kind)
    if history.filter(at__gt=now - WINDOW).exists():
        return False
    _record(kind, worker_id, now, said)
    return True


def _record(kind: str, worker_id: int, now: datetime, said: dict[str, object]) -> None:
    events.record(
        kind=kind, subject_kind="worker", subject_id=worker_id, actor=None, at=now, data=said
    )
