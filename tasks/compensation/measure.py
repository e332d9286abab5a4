"""How long a batch's answers take: read from its rows, for whoever judges its pay.

Every submitted answer with a time counts, refused ones too; only what is finally held to be fraud
does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import ceil
from statistics import median, quantiles

from django.db.models import Exists, OuterRef, QuerySet

from tasks.models import Assignment, Batch, Rejection, Wage
from tasks.wages.time import WORKERS_MIN, reference_seconds

CHUNK = 5_000
SAMPLE = 200  # answers that a bound on the median is taken from


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of a batch's answers, in seconds; with no answers everything is None."""

    by_worker: dict[int, list[int]]  # all accounts of one person are one worker

    @property
    def times(self) -> list[int]:
        """All times, shortest first."""
        return sorted(seconds for times in self.by_worker.values() for seconds in times)

    @property
    def reference(self) -> int | None:
        """The median of the workers' medians, once enough workers have answered."""
        if len(self.by_worker) < WORKERS_MIN:
            return None
        return reference_seconds(self.by_worker, 0)

    @property
    def quartiles(self) -> tuple[int | None, int | None, int | None]:
        """Low, median and high of all times, rounded up."""
        times = self.times
        if not times:
            return None, None, None
        low, middle, high = quantiles(times, n=4, method="inclusive") if times[1:] else times * 3
        return ceil(low), ceil(middle), ceil(high)


def timed(batch_id: int) -> QuerySet[Assignment]:
    """A batch's answers whose time counts."""
    fraud = Rejection.objects.filter(
        assignment=OuterRef("pk"),
        code=Rejection.Code.FRAUD,
        status=Rejection.Status.FINAL,
    )
    return Assignment.objects.filter(
        ~Exists(fraud),
        batch=batch_id,
        submitted_at__isnull=False,
        worked_seconds__isnull=False,
    )


def measure(batch_id: int) -> Measured:
    """Read all times of a batch."""
    rows = timed(batch_id).order_by("person", "pk").values_list("person_id", "worked_seconds")
    return Measured(
        {
            person: [seconds or 0 for _, seconds in theirs]
            for person, theirs in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row[0])
        }
    )


def sample(batch_id: int) -> list[int]:
    """The latest ``SAMPLE`` times of a batch."""
    latest = timed(batch_id).order_by("-submitted_at", "-pk")
    return [seconds or 0 for seconds in latest.values_list("worked_seconds", flat=True)[:SAMPLE]]


def middle(times: Sequence[int]) -> int:
    """The median of all times, rounded up: where too few workers have answered for more."""
    return ceil(median(times))


def note(batch: Batch, measured: Measured, *, topup_minor: int, now: datetime) -> None:
    """Write down what was measured. The caller holds the batch's row lock."""
    low, middle_seconds, high = measured.quartiles
    Wage.objects.filter(batch=batch).update(
        workers=len(measured.by_worker),
        answers=len(measured.times),
        reference_seconds=measured.reference,
        low_seconds=low,
        median_seconds=middle_seconds,
        high_seconds=high,
        topup_minor=topup_minor,
        computed_at=now,
    )
