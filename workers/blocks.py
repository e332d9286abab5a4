"""Who will not work with whom: a requester refuses a worker, or a worker a requester."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from workers import events
from workers.models import Block, User, Worker


@transaction.atomic
def block(
    *,
    requester: User,
    worker: Worker,
    direction: Block.Direction,
    reason: str = "",
    now: datetime,
    actor: User | None,
) -> Block:
    """Part the two from the next claim on; ``direction`` says who refused.

    A repeat returns the live block and changes nothing, not even its reason.
    """
    # One change of a worker's blocks at a time, so that a repeat sees the first.
    Worker.objects.locked().get(pk=worker.pk)
    made, is_new = Block.objects.get_or_create(
        requester=requester,
        worker=worker,
        direction=direction,
        lifted_at=None,
        defaults={"reason": reason, "created_at": now},
    )
    if is_new:
        _record("worker_blocked", made, now, actor, reason)
    return made


@transaction.atomic
def lift(
    *,
    requester: User,
    worker: Worker,
    direction: Block.Direction,
    reason: str = "",
    now: datetime,
    actor: User | None,
) -> None:
    """End the live block of this direction, if there is one. The other direction's stays."""
    # See ``block``.
    Worker.objects.locked().get(pk=worker.pk)
    live = Block.objects.filter(
        requester=requester, worker=worker, direction=direction, lifted_at=None
    ).first()
    if live is None:
        return
    # The clocks of two servers may differ by more than the block lasted.
    live.lifted_at = max(now, live.created_at)
    live.save(update_fields=["lifted_at"])
    _record("worker_unblocked", live, now, actor, reason)


def _record(kind: str, changed: Block, now: datetime, actor: User | None, reason: str) -> None:
    """Write the event of a change, and make every batch look again at the worker."""
    Worker.objects.filter(pk=changed.worker_id).bump_qualifications_version()
    events.record(
        kind=kind,
        subject_kind="worker",
        subject_id=changed.worker_id,
        actor=actor,
        at=now,
        data={
            "requester": changed.requester_id,
            "direction": changed.direction,
            "reason": reason,
        },
    )
