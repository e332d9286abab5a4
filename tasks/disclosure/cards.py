"""What a worker is told of a batch before they accept: pay per hour, time, whose it is, its record.

Everything is read from rows that jobs keep up to date; nothing is counted when a worker asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from django.db.models import BigIntegerField, Case, ExpressionWrapper, F, PositiveIntegerField, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from payments.models import WageFloor
from tasks.models import Batch, RequesterRecord, Wage
from tasks.models.batch import BatchQuerySet
from tasks.wages.floor import HOUR
from workers.models import Worker

MEASURED_FROM = 5  # workers; before that the published estimate counts
RATED_FROM = 5  # persons; fewer could be told apart
ROWS = (
    "project__requester__requester_record",
    "version",
    "progress",
    "wage",
)


SECONDS = Case(
    When(wage__workers__gte=MEASURED_FROM, wage__median_seconds__gt=0, then="wage__median_seconds"),
    default="estimate_seconds",
    output_field=PositiveIntegerField(),
)
PAY = F("reward_minor") + Coalesce(F("wage__topup_minor"), 0)
HOURLY = Coalesce(ExpressionWrapper(PAY * HOUR / SECONDS, output_field=BigIntegerField()), 0)


class Pace(NamedTuple):
    """How long one answer takes, in seconds, and how that is known."""

    seconds: int
    basis: Literal["measured", "estimate"]
    workers: int  # whose answers it rests on; 0 for an estimate
    answers: int


class Hourly(NamedTuple):
    """What an hour pays, in minor units, top-ups to every answer included.

    ``low`` is what the slower quarter of answers earns at most, ``high`` what the faster quarter
    earns at least; both are None where nothing has been measured.
    """

    low: int | None
    median: int
    high: int | None


class Share(NamedTuple):
    """A share, and of how many; None of nothing."""

    share: float | None
    of: int


class Ratings(NamedTuple):
    """Means of 1 to 5, and of how many persons; the means are None until there are enough."""

    persons: int
    fairness: float | None
    pay: float | None
    speed: float | None
    communication: float | None


class Record(NamedTuple):
    """How a requester has treated answers; only what is final counts."""

    accepted: Share
    rejected: Share
    overturned: Share  # of the appeals against their rejections
    pay_p50_seconds: int | None  # from submit to pay
    pay_p95_seconds: int | None
    ratings: Ratings


def with_pay(batches: BatchQuerySet) -> BatchQuerySet:
    """Add ``hourly_minor`` to each batch: the median of ``hourly_of``, 0 if unknown."""
    return batches.annotate(hourly_minor=HOURLY)


def paying(batches: BatchQuerySet, hourly_minor: int) -> BatchQuerySet:
    """Keep those that pay at least ``hourly_minor``, by what is known of their time."""
    return batches.filter(GreaterThanOrEqual(HOURLY, hourly_minor))


def with_rows(batches: BatchQuerySet) -> BatchQuerySet:
    """Fetch along with each batch what its card is made of."""
    return batches.select_related(*ROWS)


def pace_of(batch: Batch) -> Pace | None:
    """Return how long an answer takes: as measured from five workers on, else as published."""
    wage = _measured(batch)
    if wage is not None:
        return Pace(wage.median_seconds or 0, "measured", wage.workers, wage.answers)
    if batch.estimate_seconds:
        return Pace(batch.estimate_seconds, "estimate", 0, 0)
    return None


def hourly_of(batch: Batch) -> Hourly | None:
    """Return what an hour of work on ``batch`` pays; None when nothing is known of its time."""
    wage = _measured(batch)
    if wage is not None:
        return Hourly(
            low=_hourly(batch, wage.high_seconds),
            median=_hourly(batch, wage.median_seconds) or 0,
            high=_hourly(batch, wage.low_seconds),
        )
    hourly = _hourly(batch, batch.estimate_seconds)
    return None if hourly is None else Hourly(None, hourly, None)


def legal_floors(worker: Worker) -> list[WageFloor]:
    """Return the floors that hold, or held, where ``worker`` lives; the platform's are not asked.

    One query, to be used for any number of batches.
    """
    places = {worker.country, f"{worker.country}-{worker.subdivision}"} - {""}
    approved = WageFloor.objects.filter(jurisdiction__in=places, approved_at__isnull=False)
    return list(approved) if worker.country else []


def floor_of(batch: Batch, legal: Sequence[WageFloor]) -> int | None:
    """Return the least an hour of ``batch`` is paid to whom ``legal`` holds for, in minor units.

    None where the batch promises none. As in ``tasks.compensation.floor.of_workers``, what held
    on the day of publication counts.
    """
    if batch.floor_minor is None or batch.published_at is None:
        return None
    day = batch.published_at.date()
    held = [
        floor.per_hour_minor
        for floor in legal
        if floor.currency == batch.currency
        and floor.valid_from <= day
        and (floor.valid_to is None or day < floor.valid_to)
    ]
    return max([batch.floor_minor, *held])


def record_of(batch: Batch) -> Record:
    """Return the record of the batch's requester; of a new one it is empty."""
    found = getattr(batch.project.requester, "requester_record", None)
    return told(found or RequesterRecord())


def told(record: RequesterRecord) -> Record:
    """Return what may be shown of a requester's record."""
    return Record(
        accepted=_share(record.accepted, record.decided),
        rejected=_share(record.rejected, record.decided),
        overturned=_share(record.overturned, record.appeals),
        pay_p50_seconds=record.decision_p50_seconds,
        pay_p95_seconds=record.decision_p95_seconds,
        ratings=_ratings(record),
    )


def _ratings(record: RequesterRecord) -> Ratings:
    if record.ratings < RATED_FROM:
        return Ratings(record.ratings, None, None, None, None)
    means = (record.fairness, record.pay, record.speed, record.communication)
    return Ratings(record.ratings, *(None if mean is None else round(mean, 1) for mean in means))


def _share(part: int, of: int) -> Share:
    return Share(round(part / of, 4) if of else None, of)


def _measured(batch: Batch) -> Wage | None:
    """The batch's timing, if it rests on enough workers to name none of them."""
    wage: Wage | None = getattr(batch, "wage", None)
    enough = wage is not None and wage.workers >= MEASURED_FROM and wage.median_seconds
    return wage if enough else None


def _hourly(batch: Batch, seconds: int | None) -> int | None:
    """What an hour pays at one answer in ``seconds``, rounded down, so as not to say too much."""
    if not seconds:
        return None
    wage: Wage | None = getattr(batch, "wage", None)
    return (batch.reward_minor + (wage.topup_minor if wage else 0)) * HOUR // seconds
