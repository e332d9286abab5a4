"""What a batch promises before anybody works on it: the least an hour of its work is paid.

The floor of the day of publication holds for the whole batch. Where no floor is in force in its
currency nothing is promised, and all of this is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from payments import accounts, floors
from payments.money import Money
from tasks import escrow
from tasks.compensation.measure import sample, timed
from tasks.errors import DeadlineTooShort, RewardBelowFloor
from tasks.models import Assignment, Batch, Wage
from tasks.wages.floor import implied_estimate, least_reward
from tasks.wages.pilot import reserve_each, upper_seconds
from workers.models import Worker
from workers.requirements import COUNTRY, Comparator

PILOT_ANSWERS = 30  # a batch that wants more begins with a pilot of so many claims
MEASURED_MIN = 10  # timed answers of an earlier batch that stand for a pilot
DEADLINE_TIMES = 3  # the time a worker has is at least so many times what the work takes
NAMED = {Comparator.EQ.value, Comparator.IN.value}

ESTIMATE, IMPLIED, MEASURED = "estimate", "implied", "measured"


class Terms(NamedTuple):
    """What a batch is held to: its floor and the time it is reckoned with."""

    floor: Money  # per hour
    seconds: int  # of one answer
    source: str  # of ``seconds``: ESTIMATE, IMPLIED or MEASURED
    minimum: Money  # the lowest reward that pays the floor
    reserve_each: Money  # set aside for each wanted answer
    needs_pilot: bool


def terms_of(batch: Batch, *, on: date) -> Terms | None:
    """Return the terms of a draft that is published on a day, or None without a floor.

    The time is what an earlier batch of the same question was measured to take; or else the
    requester's estimate; or else the longest time that the reward pays the floor for. A published
    batch keeps its floor, and has its own time once that is measured.

    Raises:
        payments.errors.FloorMissing: there is no floor, and the operator demands one.
    """
    if batch.status != Batch.Status.DRAFT:
        return _standing(batch)
    floors.required(currency=batch.currency, on=on)
    per_hour = floors.in_force(
        currency=batch.currency, on=on, jurisdictions=_countries(batch.requirements)
    )
    if per_hour is None:
        return None
    earlier = _earlier(batch)
    if earlier is not None:
        seconds, source = earlier.reference_seconds or 1, MEASURED
    elif batch.estimate_seconds is not None:
        seconds, source = batch.estimate_seconds, ESTIMATE
    else:
        seconds, source = _implied(batch, per_hour), IMPLIED
    times = sample(earlier.batch_id) if earlier else []
    wanted = escrow.cost(batch).minor // batch.unit.minor
    return Terms(
        floor=Money(per_hour, batch.currency),
        seconds=seconds,
        source=source,
        minimum=Money(least_reward(per_hour, seconds), batch.currency),
        reserve_each=Money(
            reserve_each(batch.reward_minor, per_hour, upper(times, seconds)), batch.currency
        ),
        needs_pilot=source != MEASURED and wanted > PILOT_ANSWERS,
    )


def _standing(batch: Batch) -> Terms | None:
    """The terms of a batch that was published before."""
    if batch.floor_minor is None:
        return None
    wage = Wage.objects.get(pk=batch.pk)
    measured = wage.reference_seconds
    seconds = measured or batch.estimate_seconds or 1
    return Terms(
        floor=Money(batch.floor_minor, batch.currency),
        seconds=seconds,
        source=MEASURED if measured else ESTIMATE,
        minimum=Money(least_reward(batch.floor_minor, seconds), batch.currency),
        reserve_each=Money(batch.reserve_each_minor, batch.currency),
        needs_pilot=batch.pilot_left is not None,
    )


def upper(times: Sequence[int], reference: int) -> int:
    """A time that the median hardly exceeds; never below the reference that is reckoned with."""
    return max(reference, upper_seconds(times, reference))


def check(batch: Batch, terms: Terms) -> None:
    """Refuse a batch that would pay less than the floor, or leave too little time.

    Raises:
        DeadlineTooShort: workers have less than three times what the work takes.
        RewardBelowFloor: the reward pays less than the floor for that time.
    """
    if batch.reward_minor < terms.minimum.minor:
        raise RewardBelowFloor(terms.minimum, terms.floor, terms.seconds)
    least = timedelta(seconds=DEADLINE_TIMES * terms.seconds)
    if batch.assignment_duration < least:
        raise DeadlineTooShort(int(least.total_seconds()))


def promise(batch: Batch, *, now: datetime) -> None:
    """Check a batch that is being published, and write down what it promises.

    The caller holds its row lock, and brings its money after this: the reserve comes with it.

    Raises:
        DeadlineTooShort, FloorMissing, RewardBelowFloor: it cannot be published like this.
    """
    terms = terms_of(batch, on=now.date())
    if terms is None:
        return
    check(batch, terms)
    batch.floor_minor = terms.floor.minor
    batch.estimate_seconds = terms.seconds
    batch.reserve = accounts.open_reserve(batch.currency)
    batch.reserve_each_minor = terms.reserve_each.minor
    batch.pilot_left = PILOT_ANSWERS if terms.needs_pilot else None
    batch.save(
        update_fields=[
            "floor_minor", "estimate_seconds", "reserve", "reserve_each_minor", "pilot_left",
        ]
    )  # fmt: skip
    Wage.objects.create(batch=batch, look_after=now)


def begin_pilot(batch: Batch) -> None:
    """Let a published batch begin with a pilot after all that has grown to so many answers.

    Not where it was timed meanwhile, or another that asked the same, and the reward pays for that.
    What is claimed already counts towards the pilot. The caller holds the batch's row lock.
    """
    wanted = escrow.cost(batch).minor // batch.unit.minor
    if batch.floor_minor is None or batch.pilot_left is not None or wanted <= PILOT_ANSWERS:
        return
    earlier = _earlier(batch)
    known = earlier.reference_seconds if earlier is not None else None
    pays = known is not None and batch.reward_minor >= least_reward(batch.floor_minor, known)
    if pays or timed(batch.pk)[:MEASURED_MIN].count() == MEASURED_MIN:
        return
    given_up = (Assignment.Status.SKIPPED, Assignment.Status.EXPIRED)
    claimed = Assignment.objects.filter(batch=batch).exclude(status__in=given_up).count()
    batch.pilot_left = max(0, PILOT_ANSWERS - claimed)
    batch.save(update_fields=["pilot_left"])


def of_workers(batch: Batch, worker_ids: Iterable[int]) -> dict[int, int]:
    """Each worker's floor in a batch: the batch's, or that of the place they live in if higher.

    What held there on the day of publication counts, as it does for the batch.
    """
    assert batch.floor_minor is not None
    assert batch.published_at is not None
    homes = Worker.objects.filter(pk__in=set(worker_ids)).values_list(
        "pk", "country", "subdivision"
    )
    known: dict[str, int] = {"": batch.floor_minor}
    found = {}
    for pk, country, subdivision in homes:
        place = f"{country}-{subdivision}" if subdivision else country
        if place not in known:
            legal = floors.in_force(
                currency=batch.currency, on=batch.published_at.date(), jurisdictions=[place]
            )
            known[place] = max(batch.floor_minor, legal or 0)
        found[pk] = known[place]
    return found


def _countries(requirements: Iterable[dict[str, Any]]) -> list[str]:
    """The places that a batch's requirements name as its workers' homes."""
    return [
        place
        for asked in requirements
        if asked["qualification"] == COUNTRY and asked["comparator"] in NAMED
        for place in asked["values"]
    ]


def _implied(batch: Batch, per_hour: int) -> int:
    """The longest time that the reward pays for and the deadline leaves room for."""
    room = int(batch.assignment_duration.total_seconds()) // DEADLINE_TIMES
    return max(1, min(implied_estimate(batch.reward_minor, per_hour), room))


def _earlier(batch: Batch) -> Wage | None:
    """The latest batch that asked the same and was timed.

    Only of this version: what an earlier one took says nothing of what is asked now.
    """
    measured = Wage.objects.filter(
        batch__version=batch.version_id,
        batch__purpose=batch.purpose,
        reference_seconds__isnull=False,
        answers__gte=MEASURED_MIN,
    ).exclude(batch=batch)
    return measured.order_by("-batch_id").first()
