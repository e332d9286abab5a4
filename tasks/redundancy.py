"""Part of step 4: which tasks get one more answer, decided while answers arrive.

Claim and submit never wait for this. A look reads what came since the last one, refits the
model, and opens slots with money that the escrow still has free, in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tasks import escrow, slots
from tasks.aggregation.adaptive import Policy, Rule, decide
from tasks.alone import DECIDE, alone
from tasks.evidence import Evidence, View, recall, settled
from tasks.models import Batch
from tasks.slots import Wish

# Looks at a large batch are spaced so that they take a small share of one core.
PAUSE_PER_TASK = timedelta(microseconds=20)
QUIET = timedelta(hours=1)  # without an answer: then nobody new is waited for
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
        view = evidence.view(settled(batch))
        pause = PAUSE_PER_TASK * len(view.tasks) + PAUSE_PER_ANSWER * evidence.answers
        seen = {"decided_through": evidence.through, "decided_answers": evidence.answers}
        return _open(batch, view, now=now, decide_after=now + pause, **seen)


def _tidy(batch: Batch, evidence: Evidence, now: datetime) -> int:
    """Withdraw slots that nobody who works here can take, once all has been quiet for long."""
    if evidence.through is None or now - evidence.through < QUIET:
        return 0
    view = evidence.view([])
    idle = view.tasks[(view.state.in_flight > 0) & (view.state.answers >= evidence.workers)]
    with transaction.atomic():
        batch = _locked(batch)
        if batch.status in STEERED and len(idle):
            escrow.withdraw_from(batch, idle.tolist())
        Batch.objects.filter(pk=batch.pk).update(decide_after=now + QUIET)
    return 0


def policy_of(batch: Batch, *, budget: int | None = None) -> Policy:
    """Return a batch's rules as the engine takes them; ``budget`` counts answers."""
    return Policy(
        rule=Rule(batch.rule),
        minimum=batch.overlap_min,
        cautious_minimum=min(max(batch.overlap_min, Policy.cautious_minimum), batch.overlap_max),
        maximum=batch.overlap_max,
        target=batch.target,
        budget=budget,
    )


@transaction.atomic
def _open(batch: Batch, view: View, *, now: datetime, **seen: datetime | int | None) -> int:
    """Open the slots the view calls for, as far as the money goes, and note the look."""
    batch = _locked(batch)
    opened = 0
    if batch.status in STEERED:
        asked_for = int((view.state.answers + view.state.in_flight).sum())
        policy = policy_of(batch, budget=asked_for + slots.affordable(batch))
        chosen = decide(view.state, policy).open
        wishes = [Wish(int(view.tasks[i]), int(view.overlaps[i])) for i in chosen]
        opened = slots.open_more(batch, wishes, now=now)
    Batch.objects.filter(pk=batch.pk).update(**seen)
    return opened


def _locked(batch: Batch) -> Batch:
    """Read the batch and its escrow anew; uploads, closing and rejections wait until the end."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("escrow")
    return locked.get(pk=batch.pk)
