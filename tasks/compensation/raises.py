"""A higher reward for a batch that runs: for every answer that is not decided or not paid yet.

Every open slot and every such assignment holds the batch's unit, so the difference is held for
each of them. Who was paid before gets what the wage floor calls for, and no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from payments.errors import InsufficientFunds
from payments.money import Money
from tasks import escrow
from tasks.compensation import dues, floor, measure, topups
from tasks.errors import BudgetTooSmall
from tasks.models import Batch, Wage
from tasks.wages.pilot import reserve_each

# Whoever hands a task back holds its assignment, and then reaches for the batch.
ACTIVE = """
SELECT a.id FROM tasks_assignment a WHERE a.batch_id = %(batch)s AND a.status = 'active'
ORDER BY a.id FOR NO KEY UPDATE
"""
# A refused one is raised as long as the refusal may be overturned.
UNDECIDED = """
a.batch_id = %(batch)s AND (
    a.status IN ('active', 'submitted') OR a.status = 'accepted' AND a.paid_at IS NULL
    OR a.status = 'rejected' AND EXISTS (
        SELECT FROM tasks_rejection r
        WHERE r.assignment_id = a.id AND r.status IN ('waiting', 'open', 'appealed')))
"""
# An answer that is being paid or skipped at this moment is locked: this waits, and then leaves it.
# In the order of their numbers, and before any money, as everybody locks them.
LOCK = f"""
SELECT a.id FROM tasks_assignment a WHERE {UNDECIDED} ORDER BY a.id FOR NO KEY UPDATE OF a
"""  # noqa: S608  (put together from constants of this module)
ASSIGNMENTS = f"""
UPDATE tasks_assignment a SET reward_minor = %(reward)s, fee_minor = %(fee)s WHERE {UNDECIDED}
"""  # noqa: S608
# After the assignments, as everywhere. Whoever withdraws slots at this moment is waited for.
SLOTS = """
SELECT coalesce(sum(remaining_overlap), 0)::bigint FROM (
    SELECT remaining_overlap FROM tasks_task WHERE batch_id = %(batch)s AND is_open
    ORDER BY id FOR NO KEY UPDATE
) open
"""


def wait_for_returns(batch_id: int) -> None:
    """Wait for whoever is handing a task of the batch back, and let nobody else begin to.

    Before the batch's row is locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(ACTIVE, {"batch": batch_id})


def reprice(batch: Batch, reward: Money, fee_minor: int, *, now: datetime) -> None:
    """Give a published batch a higher reward, and bring and hold the difference.

    The caller holds the batch's row ``FOR UPDATE``, so that no claim is under way, which would
    still write the old reward.

    Raises:
        BudgetTooSmall: the batch is adaptive, and its budget does not pay for the difference.
        InsufficientFunds: the wallet holds less than the difference.
    """
    asked: dict[str, Any] = {"batch": batch.pk, "reward": reward.minor, "fee": fee_minor}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, asked)
        cursor.execute(SLOTS, asked)
        count = int(cursor.fetchone()[0])
    wage = Wage.objects.filter(batch=batch).first()
    if wage is not None:
        topups.pay_job(batch, wage, with_wallet=True, now=now)
    before, more = batch.unit.minor, reward.minor - batch.reward_minor
    batch.reward_minor, batch.fee_minor = reward.minor, fee_minor
    batch.save(update_fields=["reward_minor", "fee_minor"])
    if wage is not None:
        _keep_promise(batch, wage, more)
    with connection.cursor() as cursor:
        cursor.execute(ASSIGNMENTS, asked)
        count += cursor.rowcount
    _bring(batch, count, Money(batch.unit.minor - before, batch.currency), now)


def _keep_promise(batch: Batch, wage: Wage, more_minor: int) -> None:
    """Count the raise towards what every answer is owed on top, and set aside what fits it."""
    assert batch.floor_minor is not None
    reference = dues.reference_of(batch, wage)
    upper = floor.upper(measure.sample(batch.pk), reference)
    batch.reserve_each_minor = reserve_each(batch.reward_minor, batch.floor_minor, upper)
    batch.save(update_fields=["reserve_each_minor"])
    Wage.objects.filter(batch=batch).update(topup_minor=max(0, wage.topup_minor - more_minor))


def _bring(batch: Batch, count: int, each: Money, now: datetime) -> None:
    """Hold ``each`` more for ``count`` answers: what is free in an adaptive batch, else brought."""
    more = each * count
    if batch.is_adaptive:
        lacking = escrow.cost(batch).minor - batch.budget_minor
        escrow.allocate(batch, Money(max(0, lacking), batch.currency), now=now)
    else:
        escrow.allocate(batch, more, now=now)
    escrow.bring_reserve(batch, now=now)
    try:
        escrow.hold_more(batch, more)
    except InsufficientFunds as error:
        raise BudgetTooSmall(error.missing) from error
