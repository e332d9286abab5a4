"""The first answers of a larger batch: they say whether its reward pays the floor.

While a pilot runs, only so many tasks may be claimed (``Batch.pilot_left``). Once enough answers
are timed the batch goes on with a reserve that fits them, or is held up until its reward is raised.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payments.errors import InsufficientFunds
from payments.money import Money
from tasks import escrow
from tasks.compensation import floor, measure, pauses
from tasks.compensation.topups import locked
from tasks.errors import RewardBelowFloor
from tasks.models import Assignment, Batch, Wage
from tasks.wages.floor import job_topup, least_reward
from tasks.wages.pilot import reserve_each
from tasks.wages.time import WORKERS_MIN

ANSWERS_MIN = floor.MEASURED_MIN


def look_due(*, now: datetime, limit: int = 100) -> int:
    """Judge pilots that have enough answers, up to ``limit``; return how many have ended.

    Each is judged under its batch's row lock: a run beside this one, or after one that died, finds
    the pilot as it stands and judges it once.
    """
    running = Batch.objects.filter(
        pilot_left__isnull=False,
        status__in=[Batch.Status.OPEN, Batch.Status.PAUSED],
    ).exclude(paused_for=pauses.BELOW_FLOOR)
    ended = 0
    for batch_id, left in list(running.order_by("pk").values_list("pk", "pilot_left")):
        if (left or 0) > 0 and measure.timed(batch_id)[:ANSWERS_MIN].count() < ANSWERS_MIN:
            continue
        with transaction.atomic():
            ended += _judge(locked(batch_id), now)
        if ended == limit:  # only of those that end: the others must not keep them waiting
            break
    return ended


def _judge(batch: Batch, now: datetime) -> bool:
    """End a pilot that has enough answers; say whether it has."""
    running = batch.status in {Batch.Status.OPEN, Batch.Status.PAUSED}
    if batch.pilot_left is None or batch.paused_for == pauses.BELOW_FLOOR or not running:
        return False
    measured = measure.measure(batch.pk)
    if not _is_enough(batch, measured):
        _prolong(batch, measured)
        return False
    try:
        _pass(batch, measured, now)
    except RewardBelowFloor as error:
        facts = {"minimum_minor": error.minimum.minor, "seconds": error.seconds}
        pauses.hold_up(batch, pauses.BELOW_FLOOR, now=now, **facts)
        return True
    try:
        with transaction.atomic():
            escrow.bring_reserve(batch, now=now)
    except InsufficientFunds as error:
        pauses.hold_up(batch, pauses.FUNDS, now=now, missing_minor=error.missing.minor)
    return True


def _is_enough(batch: Batch, measured: measure.Measured) -> bool:
    """Ten answers of five workers; or of fewer, when all the pilot's claims have come to an end."""
    if len(measured.times) < ANSWERS_MIN:
        return False
    return len(measured.by_worker) >= WORKERS_MIN or _is_used_up(batch)


def _is_used_up(batch: Batch) -> bool:
    """Whether all claims of a pilot have come to an end."""
    under_way = Assignment.objects.filter(batch=batch, status=Assignment.Status.ACTIVE)
    return (batch.pilot_left or 0) <= 0 and not under_way.exists()


def _prolong(batch: Batch, measured: measure.Measured) -> None:
    """Let more be claimed in a pilot that is used up with too few times, as fraud leaves it."""
    if _is_used_up(batch):
        batch.pilot_left = ANSWERS_MIN - len(measured.times)
        batch.save(update_fields=["pilot_left"])


def _pass(batch: Batch, measured: measure.Measured, now: datetime) -> None:
    """Let a batch go on whose reward pays the floor for what its answers took.

    Raises ``RewardBelowFloor`` when it does not; what was measured is then noted all the same by
    the next look.
    """
    assert batch.floor_minor is not None
    reference = measured.reference or measure.middle(measured.times)
    minimum = least_reward(batch.floor_minor, reference)
    if batch.reward_minor < minimum:
        rate = Money(batch.floor_minor, batch.currency)
        raise RewardBelowFloor(Money(minimum, batch.currency), rate, reference)
    upper = floor.upper(measured.times, reference)
    batch.reserve_each_minor = reserve_each(batch.reward_minor, batch.floor_minor, upper)
    batch.pilot_left = None
    batch.save(update_fields=["reserve_each_minor", "pilot_left"])
    wage = Wage.objects.get(pk=batch.pk)
    topup = job_topup(batch.reward_minor, batch.floor_minor, reference)
    measure.note(batch, measured, topup_minor=max(topup, wage.topup_minor), now=now)


def resume(batch: Batch, *, now: datetime) -> None:
    """Let a batch go on that was held up after its pilot. The caller holds its row lock.

    Raises:
        InsufficientFunds: the wallet cannot pay for the reserve that the pilot calls for.
        RewardBelowFloor: the reward has not been raised to the least that pays the floor.
    """
    if batch.pilot_left is not None:
        _pass(batch, measure.measure(batch.pk), now)
    escrow.bring_reserve(batch, now=now)
