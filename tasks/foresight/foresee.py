"""Beside the steps: what a batch will cost and yield, said before, and scored when it has ended.

A forecast is written once, with its assumptions in words, and compared once. How often the
intervals of this site have held is public to everybody on it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from tasks.aggregation.skill import Estimate
from tasks.errors import EmptyBatch, IllegalTransition, InvalidAssumptions
from tasks.forecasting.intervals import Interval
from tasks.forecasting.record import Score, record, scored
from tasks.foresight.outcomes import measured, why_incomparable
from tasks.foresight.outlook import Stated, assumed, piloted
from tasks.foresight.pilots import earlier_batch
from tasks.models import Assignment, Batch, Forecast
from workers import events
from workers.models import User

FORESEEABLE = (Batch.Status.DRAFT, Batch.Status.OPEN, Batch.Status.PAUSED)


class Held(NamedTuple):
    """How often the 80 % intervals of one quantity held, on this site."""

    basis: str
    quantity: str
    held: int
    forecasts: int
    share: Estimate  # with its 95 % interval


@transaction.atomic
def from_assumptions(
    *,
    batch: Batch,
    accuracy: tuple[float, float] | None = None,
    seconds: tuple[float, float] | None = None,
    workers_per_hour: float | None = None,
    answers_per_worker: float | None = None,
    actor: User | None = None,
    now: datetime,
) -> Forecast:
    """Forecast a draft from what its requester expects; what is None is taken as usual.

    ``accuracy`` of the average worker and the median ``seconds`` per answer are ranges that hold
    with 80 %. The forecast says all of this in words.

    Raises:
        EmptyBatch: there is nothing to forecast.
        IllegalTransition: the batch is not a draft, so its own answers say more.
        InvalidAssumptions: a range is empty or impossible.
    """
    if batch.status != Batch.Status.DRAFT:
        raise IllegalTransition(
            f"A batch that is {batch.status} has answers of its own: forecast it from a pilot."
        )
    if not batch.task_count:
        raise EmptyBatch
    given: dict[str, Any] = {
        "accuracy": accuracy,
        "seconds": seconds,
        "workers_per_hour": workers_per_hour,
        "answers_per_worker": answers_per_worker,
    }
    stated = Stated(**{name: value for name, value in given.items() if value is not None})
    try:
        found = assumed(batch, stated)
    except ValueError as error:
        raise InvalidAssumptions(str(error)) from error
    usual = [name.replace("_", " ") for name, value in given.items() if value is None]
    if usual:
        found.assumptions.append(f"Not stated, and so taken as usual: {', '.join(usual)}.")
    said = {"given": stated._asdict(), "pilot": None}
    return _keep(batch, Forecast.Basis.ASSUMPTIONS, {**found.as_json(), **said}, actor, now)


@transaction.atomic
def from_pilot(*, batch: Batch, actor: User | None = None, now: datetime) -> Forecast:
    """Forecast a batch from its own first answers; a draft from those of the batch before it.

    That is the project's latest batch with answers to the same version.

    Raises:
        EmptyBatch: there is nothing to forecast.
        IllegalTransition: the batch is closing or closed, or every task has its first answers.
        PilotTooSmall: there are too few answers; the message says how many are needed.
    """
    if batch.status not in FORESEEABLE:
        raise IllegalTransition(f"A batch that is {batch.status} has no future to forecast.")
    if not batch.task_count:
        raise EmptyBatch
    pilot = earlier_batch(batch) if batch.status == Batch.Status.DRAFT else batch
    found = piloted(batch, pilot)
    said = {"given": None, "pilot": pilot.pk}
    return _keep(batch, Forecast.Basis.PILOT, {**found.as_json(), **said}, actor, now)


def _keep(
    batch: Batch,
    basis: Forecast.Basis,
    data: dict[str, Any],
    actor: User | None,
    now: datetime,
) -> Forecast:
    data["tasks"] = batch.task_count
    row = Forecast.objects.create(batch=batch, basis=basis, data=data, made_at=now)
    _record("batch_forecast", row, actor, now, basis=basis.value)
    return row


def score_due(*, now: datetime, limit: int = 200) -> int:
    """Compare up to ``limit`` forecasts with what became of their batches; return how many.

    A batch's turn comes when it is closed and all its answers are aggregated. Each forecast is
    scored once: of two runs at once the second finds it scored.
    """
    waiting = Assignment.objects.counted().filter(batch=OuterRef("batch"), aggregated_at=None)
    due = Forecast.objects.filter(
        ~Exists(waiting), scored_at=None, batch__status=Batch.Status.CLOSED
    ).select_related("batch__escrow")
    return sum(_score(row, now) for row in due.order_by("pk")[:limit])


@transaction.atomic
def _score(row: Forecast, now: datetime) -> bool:
    actual = measured(row.batch)
    why = why_incomparable(row.batch, actual, row.data["tasks"])
    covered = {
        name: interval.holds(actual[name])
        for name, interval in _intervals(row).items()
        if actual[name] is not None and not why
    }
    mine = Forecast.objects.filter(pk=row.pk, scored_at=None).update(
        actual={**actual, "incomparable": why}, covered=covered, scored_at=now
    )
    if mine:
        _record("batch_forecast_scored", row, None, now, held=sum(covered.values()))
    return bool(mine)


def site_record() -> list[Held]:
    """Say how often the intervals of this site held, by basis and quantity.

    Of a batch's forecasts from the same basis the latest counts. What was certain, such as the
    answers that a fixed overlap buys, does not count: it could not fail.
    """
    latest = (
        Forecast.objects.filter(scored_at__isnull=False)
        .order_by("batch", "basis", "-made_at", "-pk")
        .distinct("batch", "basis")
    )
    past: dict[str, list[dict[str, Score]]] = {}
    for row in latest.iterator(chunk_size=500):
        past.setdefault(row.basis, []).append(_scores(row))
    return [
        Held(basis, quantity, found.held, found.share.answers, found.share)
        for basis in sorted(past)
        for quantity, found in sorted(record(past[basis]).items())
    ]


def _scores(row: Forecast) -> dict[str, Score]:
    actual, covered = row.actual or {}, row.covered or {}
    return {
        name: scored(interval, actual[name])
        for name, interval in _intervals(row).items()
        if name in covered and interval.width
    }


def _intervals(row: Forecast) -> dict[str, Interval]:
    return {name: Interval(**bounds) for name, bounds in row.data["intervals"].items()}


def _record(kind: str, row: Forecast, actor: User | None, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind,
        subject_kind="batch",
        subject_id=row.batch_id,
        actor=actor,
        at=now,
        data={"forecast": row.pk, **data},
    )
