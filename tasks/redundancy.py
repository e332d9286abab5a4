"""Part of step 4: which tasks get one more answer, decided while answers arrive.

Claim and submit never wait for this. A look reads what came since the last one, refits the
model, and opens slots with money that the escrow still has free, in one transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction
from django.db.models import F, Q

from tasks import escrow, slots
from tasks.aggregation.adaptive import decide
from tasks.alone import DECIDE, alone
from tasks.evidence import Evidence, View, recall, remember, settled
from tasks.models import Assignment, Batch
from tasks.policies import policy_of
from tasks.slots import Wish

# Looks at a large batch are spaced so that they take a small share of one core.
PAUSE_PER_TASK = timedelta(microseconds=20)
QUIET = timedelta(hours=1)  # without an answer: then nobody new is waited for
REST_MAX = timedelta(seconds=30)  # until an answer that ends a long silence is looked at
IN_FLIGHT_SECONDS = 4  # of work for the crowd at its pace, so that nobody waits for a look
PAUSE_PER_ANSWER = timedelta(microseconds=10)
STEERED = (Batch.Status.OPEN, Batch.Status.PAUSED)


def decide_due(*, now: datetime, limit: int = 200) -> int:
    """Look at up to ``limit`` adaptive batches; return how many slots were opened."""
    due = Batch.objects.filter(
        Q(decide_after=None) | Q(decide_after__lte=now),
        redundancy=Batch.Redundancy.ADAPTIVE,
        status__in=STEERED,
    ).order_by(F("decide_after").asc(nulls_first=True), "pk")
    return sum(decide_batch(batch=batch, now=now) for batch in due[:limit])


def decide_batch(*, batch: Batch, now: datetime) -> int:
    """Give another slot to the tasks of a batch that most deserve one; return how many.

    Nothing happens while there are no new answers, or while another run has the batch in hand.
    The decision follows from the rows alone, so a lost or repeated run changes only latency.
    """
    with alone(DECIDE, batch.pk) as mine:
        if not mine:
            return 0
        batch = Batch.objects.get(pk=batch.pk)
        # First, so that a batch with which something is wrong does not keep others waiting.
        Batch.objects.filter(pk=batch.pk).update(decide_after=now + _rest(batch, now))
        evidence = recall(batch)
        if evidence is None and _is_seen(batch):
            return _tidy(batch, now)
        evidence = evidence or Evidence(batch)
        fresh = evidence.refresh()
        remember(evidence)
        if not fresh and evidence.answers == batch.decided_answers:
            return _tidy(batch, now)
        view = evidence.view(settled(batch), now=now)
        return _open(batch, view, evidence, now=now)


def _rest(batch: Batch, now: datetime) -> timedelta:
    """How long a batch without news is left alone: a hundredth of the time it has had none."""
    last = batch.decided_through or batch.published_at or now
    return min(max((now - last) / 100, timedelta()), REST_MAX)


def _is_seen(batch: Batch) -> bool:
    """Whether a look has seen all there is: then it need not be read again."""
    counted = Assignment.objects.counted().filter(batch=batch)
    return batch.decided_answers > 0 and counted.count() == batch.decided_answers


def _tidy(batch: Batch, now: datetime) -> int:
    """Withdraw slots that nobody who works here can take, once all has been quiet for long.

    Answers that every task is to have are waited for all the same.
    """
    through = batch.decided_through
    tidied = _tidied.get(batch.pk)
    if through is None or now - max(through, tidied or through) < QUIET:
        return 0
    for pk in [pk for pk, at in _tidied.items() if now - at >= QUIET]:
        del _tidied[pk]
    _tidied[batch.pk] = now
    with transaction.atomic():
        batch = _locked(batch)
        # While it is paused, nobody can answer.
        idle = slots.idle(batch) if batch.status == Batch.Status.OPEN else []
        if withdrawn := escrow.withdraw_from(batch, idle) if idle else 0:
            # The money may do elsewhere what it could not do here.
            Batch.objects.filter(pk=batch.pk).update(
                slot_count=F("slot_count") - withdrawn, decide_after=None, decided_answers=0
            )
    return 0


@transaction.atomic
def _open(batch: Batch, view: View, evidence: Evidence, *, now: datetime) -> int:
    """Open the slots the view calls for, as far as the money goes, and note the look."""
    batch = _locked(batch)
    if batch.status not in STEERED or not evidence.speaks_of(batch):
        return 0  # the next look will see what came in between
    asked_for = int((view.state.answers + view.state.in_flight).sum())
    policy = policy_of(batch, budget=asked_for + slots.affordable(batch))
    # As many slots as the crowd takes until the next look may open more.
    ahead = ceil(evidence.pace * IN_FLIGHT_SECONDS)
    policy = replace(policy, ahead_least=max(policy.ahead_least, ahead))
    chosen = decide(view.state, policy).open
    wishes = [Wish(int(view.tasks[i]), int(view.overlaps[i])) for i in chosen]
    opened = slots.open_more(batch, wishes, now=now)
    pause = PAUSE_PER_TASK * len(view.tasks) + PAUSE_PER_ANSWER * evidence.answers
    Batch.objects.filter(pk=batch.pk).update(
        decide_after=now + pause,
        decided_through=evidence.through,
        decided_answers=evidence.answers,
    )
    return opened


def _locked(batch: Batch) -> Batch:
    """Lock the batch: uploads, closing and rejections wait until the end.

    Its escrow is read when it is first asked for. In this query it would be as it was before
    the wait for the lock.
    """
    return Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)


_tidied: dict[int, datetime] = {}  # when batches were last tidied, if within ``QUIET``
