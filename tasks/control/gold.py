"""Gold's life: made of reviewed tasks, watched while it is answered, and retired.

What makes gold unfit, and which tasks should become gold next, is ``aggregation.gold_health``'s
to say. It is imported where it is used: the web process does without its scipy until then.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q

from tasks import escrow, quality
from tasks.copies import copy_tasks
from tasks.errors import IllegalTransition
from tasks.models import Assignment, Batch, Cursor, Gold, Review, Task
from tasks.models.task import Lane
from workers import events
from workers.models import User

if TYPE_CHECKING:
    from tasks.aggregation.gold_health import Verdict

SETTLED = (Review.Status.ACCEPTED, Review.Status.FIXED)
FILLING = (Batch.Status.DRAFT, Batch.Status.OPEN, Batch.Status.PAUSED)
NEWS = timedelta(hours=1)  # gold nobody has answered for longer is judged as before
KEPT_IN_ROTATION = 1 / 3  # of a batch's gold

Draw = Callable[[int], int]


class Judged(NamedTuple):
    """What the answers to one gold task say about it."""

    answers: int
    right: int
    verdict: Verdict


@transaction.atomic
def promote(
    *,
    review: Review,
    explanation: str = "",
    into: Batch | None = None,
    draw: Draw,
    actor: User,
    now: datetime,
) -> Gold:
    """Copy a settled review's task into the gold of its batch, or of ``into``; return the gold.

    Gold slots and their money follow as for uploaded gold. ``into`` must ask the same version of
    the same project: for a batch that is closing or closed.

    Raises:
        BudgetTooSmall, InsufficientFunds: the gold's answers cannot be paid.
        IllegalTransition: the review is not settled, or is gold already, or the batch takes no
            gold.
    """
    target = into or review.batch
    if (target.project_id, target.version_id) != (review.batch.project_id, review.batch.version_id):
        raise IllegalTransition("Gold can only go into a batch of the same project and version.")
    return _add(target, [review.pk], explanation=explanation, draw=draw, actor=actor, now=now)[0]


@transaction.atomic
def promote_drawn(*, batch: Batch, count: int, draw: Draw, actor: User, now: datetime) -> int:
    """Make up to ``count`` of the batch's settled reviews its gold, rare answers first.

    Returns how many there were. Raises what ``promote`` raises.
    """
    from tasks.aggregation.gold_health import draw_gold  # noqa: PLC0415 - scipy, see above

    latest: dict[int, Review] = {}
    for review in Review.objects.filter(batch=batch, status__in=SETTLED).order_by("pk"):
        latest[review.task_id] = review
    fit = {task: review for task, review in latest.items() if review.gold_id is None}
    chosen = draw_gold(_candidates(fit), count, present=_present(batch))
    if chosen:
        ids = [fit[task].pk for task in chosen]
        _add(batch, ids, explanation="", draw=draw, actor=actor, now=now)
    return len(chosen)


def _candidates(reviews: Mapping[int, Review]) -> list[Any]:
    from tasks.aggregation.gold_health import Candidate  # noqa: PLC0415 - scipy, see above

    counted = Task.objects.filter(pk__in=reviews).annotate(
        given=Count("assignments", filter=Q(assignments__submitted_at__isnull=False))
    )
    answers = dict(counted.values_list("pk", "given"))
    return [
        Candidate(task, _label(review.value), answers[task])
        for task, review in sorted(reviews.items())
    ]


def _present(batch: Batch) -> Counter[str]:
    live = Gold.objects.filter(task__batch=batch, retired_at=None)
    return Counter(_label(answer) for answer in live.values_list("answer", flat=True))


def _label(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False, sort_keys=True)


def _add(
    batch: Batch,
    review_ids: Sequence[int],
    *,
    explanation: str,
    draw: Draw,
    actor: User,
    now: datetime,
) -> list[Gold]:
    """Copy the tasks of settled reviews into the gold lane, and open and fund gold slots once."""
    batch = _locked(batch)
    if batch.status not in FILLING or batch.purpose != Batch.Purpose.WORK:
        raise IllegalTransition(
            f"This batch is {batch.status} and takes no more gold. Name another one in ``into``."
        )
    # Two who promote the same review at once must not both copy it.
    locked = Review.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    free = list(locked.filter(pk__in=review_ids, status__in=SETTLED, gold=None))
    if len(free) < len(review_ids):
        raise IllegalTransition("Only a review that was accepted or fixed becomes gold, and once.")
    copies = copy_tasks(
        batch, [each.task_id for each in free], lane=Lane.GOLD, overlap=0, draw=draw
    )
    golds = [
        Gold(
            task_id=copies[each.task_id],
            answer=each.value,
            source=Gold.Source.REVIEW,
            origin_id=each.task_id,
            explanation=explanation,
        )
        for each in free
    ]
    Gold.objects.bulk_create(golds)
    for review, made in zip(free, golds, strict=True):
        review.gold = made
    Review.objects.bulk_update(free, ["gold"])
    _open_gold(batch, len(golds), now)
    promoted = [{"review": each.pk, "gold": each.gold_id} for each in free]
    _record("gold_promoted", batch, actor, now, promoted=promoted)
    return golds


def _open_gold(batch: Batch, count: int, now: datetime) -> None:
    batch.grow(tasks=0, gold=count, slots=0)
    if batch.status != Batch.Status.DRAFT:
        escrow.fund(batch, escrow.raise_gold(batch), now=now)
        # Those who have seen all gold look again.
        Cursor.objects.filter(batch=batch).update(gold_rest_until=None)


@transaction.atomic
def retire(
    *,
    gold: Gold,
    why: Gold.Retired,
    now: datetime,
    actor: User | None,
    figures: Mapping[str, Any] | None = None,
) -> None:
    """Ask a gold task no more; what is under way is still taken and paid.

    Retired for a reason of ``Gold.VOID``, it stops counting in anybody's skill at once.
    ``figures`` is what a job saw, for the log.

    Raises:
        IllegalTransition: it is retired already.
    """
    batch = _locked(gold.task.batch)
    row = Gold.objects.filter(pk=gold.pk, retired_at=None)
    if not row.update(retired_at=now, retired_for=why):
        raise IllegalTransition("This gold task is retired already.")
    if batch.escrow_id is not None:
        escrow.withdraw_from(batch, [gold.pk])
    if batch.purpose == Batch.Purpose.WORK:  # elsewhere gold tasks are counted as tasks
        Batch.objects.filter(pk=batch.pk).update(gold_retired=F("gold_retired") + 1)
    if why in Gold.VOID:
        quality.score_by_gold(project_id=batch.project_id, now=now)
    seen = dict(figures or {})
    _record("gold_retired", batch, actor, now, task=gold.pk, retired_for=str(why), **seen)


def check_gold(*, now: datetime, limit: int = 50) -> int:
    """Retire what is unfit of the gold of up to ``limit`` batches; return how many tasks.

    Only batches with a recent answer to gold are looked at, those first whose answers are
    longest combined. Each retirement is a transaction of its own that finds the task unretired,
    so runs that die, repeat or overlap retire nothing twice.
    """
    recent = Assignment.objects.filter(
        batch=OuterRef("pk"), is_gold=True, submitted_at__gt=now - NEWS
    )
    due = Batch.objects.live().filter(
        Exists(recent), purpose=Batch.Purpose.WORK, gold_count__gt=F("gold_retired")
    )
    return sum(_check(batch, now) for batch in due.order_by("aggregated_at", "pk")[:limit])


def _check(batch: Batch, now: datetime) -> int:
    from tasks.aggregation.gold_health import Health  # noqa: PLC0415 - scipy, see above

    reasons = {
        Health.RETIRE_DISPUTED: Gold.Retired.DISPUTED,
        Health.RETIRE_LEAKED: Gold.Retired.LEAKED,
    }
    found = judged(batch)
    live = set(Gold.objects.filter(task__batch=batch, retired_at=None).values_list("pk", flat=True))
    unfit = {
        task: reasons[each.verdict.health]
        for task, each in sorted(found.items())
        if task in live and each.verdict.health in reasons
    }
    exposed = [
        task
        for task, each in sorted(found.items(), key=lambda item: (-item[1].answers, item[0]))
        if task in live and each.verdict.health == Health.ROTATE
    ]
    least = max(1, math.ceil(batch.gold_count * KEPT_IN_ROTATION))
    room = max(0, len(live) - len(unfit) - least)
    retiring = unfit | dict.fromkeys(exposed[:room], Gold.Retired.ROTATED)
    return sum(_retire_judged(task, why, found[task], now) for task, why in retiring.items())


def _retire_judged(task: int, why: Gold.Retired, found: Judged, now: datetime) -> int:
    gold = Gold.objects.select_related("task__batch").get(pk=task)
    seen = {"why": found.verdict.why, "figures": dict(found.verdict.figures)}
    try:
        retire(gold=gold, why=why, now=now, actor=None, figures=seen)
    except IllegalTransition:  # somebody else was quicker
        return 0
    return 1


def judged(batch: Batch) -> dict[int, Judged]:
    """Judge each gold task of ``batch`` that has answers by them, retired ones included."""
    from tasks.aggregation.gold_health import health  # noqa: PLC0415 - scipy, see above
    from tasks.control.gold_records import records_of  # noqa: PLC0415 - scipy, see above

    return {
        task: Judged(
            len(record.answers), sum(each.right for each in record.answers), health(record)
        )
        for task, record in records_of(batch).items()
    }


def _locked(batch: Batch) -> Batch:
    """Read the batch anew, and let nobody else change it until the transaction ends."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    return locked.get(pk=batch.pk)


def _record(kind: str, batch: Batch, actor: User | None, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind, subject_kind="batch", subject_id=batch.pk, actor=actor, at=now, data=data
    )
