"""Part of step 4: which tasks get one more answer, decided while answers arrive.

Claim and submit never wait for this. A look reads what came since the last one, refits the
model, and opens slots with money that the escrow still has free, in one transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction
from django.db.models import Q

from tasks import escrow, slots
from tasks.aggregation.adaptive import decide
from tasks.alone import DECIDE, alone
from tasks.evidence import Evidence, View, recall, settled
from tasks.models import Batch
from tasks.policies import policy_of
from tasks.slots import Wish

# Looks at a large batch are spaced so that they take a small share of one core.
PAUSE_PER_TASK = timedelta(microseconds=20)
QUIET = timedelta(hours=1)  # without an answer: then nobody new is waited for
IN_FLIGHT_SECONDS = 4  # of work for the crowd at its pace, so that nobody waits for a look
PAUSE_PER_ANSWER = timedelta(microseconds=10)
STEERED = (Batch.Status.OPEN, Batch.Status.PAUSED)


def decide_due(*, now: datetime, limit: int = 200) -> int:
    """Look at up to ``limit`` adaptive batches; return how many slots were opened."""
    due = Batch.objects.filter(
        Q(decide_after=None) | Q(decide_after__lte=now),
        redundancy=Batch.Redundancy.ADAPTIVE,
        status__in=STEERED,
    ).order_by("decide_after", "pk")
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
        evidence = recall(batch)
        fresh = evidence.refresh()
        if not fresh and evidence.answers == batch.decided_answers:
            return _tidy(batch, evidence, now)
        view = evidence.view(settled(batch), now=now)
        pause = PAUSE_PER_TASK * len(view.tasks) + PAUSE_PER_ANSWER * evidence.answers
        seen = {"decided_through": evidence.through, "decided_answers": evidence.answers}
        ahead = ceil(evidence.pace * IN_FLIGHT_SECONDS)
        return _open(batch, view, ahead, now=now, decide_after=now + pause, **seen)


def _tidy(batch: Batch, evidence: Evidence, now: datetime) -> int:
    """Withdraw slots that nobody who works here can take, once all has been quiet for long."""
    if evidence.through is None or now - evidence.through < QUIET:
        return 0
    view = evidence.view([], now=now)
    idle = view.tasks[(view.state.in_flight > 0) & (view.state.answers >= evidence.workers)]
    with transaction.atomic():
        batch = _locked(batch)
        Batch.objects.filter(pk=batch.pk).update(decide_after=now + QUIET)
        if batch.status in STEERED and len(idle):
            escrow.withdraw_from(batch, idle.tolist())
            # The money may do elsewhere what it could not do here.
            Batch.objects.filter(pk=batch.pk).update(decide_after=None, decided_answers=0)
    return 0


@transaction.atomic
def _open(
    batch: Batch, view: View, ahead: int, *, now: datetime, **seen: datetime | int | None
) -> int:
    """Open the slots the view calls for, as far as the money goes, and note the look.

    ``ahead`` is how many slots the crowd takes until the next look may open more.
    """
    batch = _locked(batch)
    opened = 0
    if batch.status in STEERED:
        asked_for = int((view.state.answers + view.state.in_flight).sum())
        policy = policy_of(batch, budget=asked_for + slots.affordable(batch))
        policy = replace(policy, ahead_least=max(policy.ahead_least, ahead))
        chosen = decide(view.state, policy).open
        wishes = [Wish(int(view.tasks[i]), int(view.overlaps[i])) for i in chosen]
        opened = slots.open_more(batch, wishes, now=now)
    Batch.objects.filter(pk=batch.pk).update(**seen)
    return opened


def _locked(batch: Batch) -> Batch:
    """Read the batch and its escrow anew; uploads, closing and rejections wait until the end."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("escrow")
    return locked.get(pk=batch.pk)
