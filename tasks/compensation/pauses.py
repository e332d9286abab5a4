"""A batch that the marketplace itself holds up, and says why."""

from __future__ import annotations

from datetime import datetime

from tasks.models import Batch
from workers import events

BELOW_FLOOR = "reward_below_floor"  # the pilot showed that the reward pays less than the floor
FUNDS = "funds"  # the wallet cannot pay for the reserve that the pilot called for
RESERVE_LOW = "reserve_low"  # the reserve will not pay for what is under way
DISPUTE = "dispute"  # a payment of the requester's is disputed


def hold_up(batch: Batch, why: str, *, now: datetime, **facts: int | str) -> None:
    """Hand out no more tasks of a batch until the cause is gone and its requester resumes it.

    The caller holds the batch's row lock. What is claimed may still be submitted.
    """
    if batch.status == Batch.Status.OPEN:
        batch.move_to(Batch.Status.PAUSED)
    Batch.objects.filter(pk=batch.pk).update(paused_for=why)
    batch.paused_for = why
    events.record(
        kind="batch_paused",
        subject_kind="batch",
        subject_id=batch.pk,
        actor=None,
        at=now,
        data={"why": why, **facts},
    )


def clear(batch: Batch) -> None:
    """Forget why a batch was held up. The caller holds its row lock."""
    Batch.objects.filter(pk=batch.pk).update(paused_for="")
    batch.paused_for = ""
