"""Who worked on a batch, and what that came to per hour, by the server's clock."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from payments.money import Money
from tasks.models import Batch

COUNTRY_LEAST = 10  # workers from which a country is named: fewer might be recognised
HOUR = 3600  # seconds

CROWD = """
SELECT count(DISTINCT worker_id), count(*), count(*) FILTER (WHERE is_gold),
       min(claimed_at), max(submitted_at)
FROM tasks_assignment WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
"""
COUNTRIES = """
SELECT w.country, count(*)
FROM (SELECT DISTINCT worker_id FROM tasks_assignment
      WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL) a
JOIN workers_worker w ON w.id = a.worker_id
WHERE w.country <> '' GROUP BY w.country HAVING count(*) >= %(least)s
ORDER BY count(*) DESC, w.country
"""
# Older answers were not timed: of several claimed together, each begins when the one before it was
# submitted.
PAY = """
WITH worked AS (
    SELECT worker_id, status, reward_minor,
           coalesce(worked_seconds, extract(epoch FROM submitted_at - greatest(
               claimed_at, lag(submitted_at) OVER (
                   PARTITION BY worker_id ORDER BY submitted_at, id))))::float8 AS seconds
    FROM tasks_assignment WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
), hourly AS (
    SELECT coalesce(sum(reward_minor) FILTER (WHERE status = 'accepted'), 0)::float8
           * %(hour)s / nullif(sum(seconds), 0) AS minor
    FROM worked WHERE status IN ('accepted', 'rejected') GROUP BY worker_id
)
SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY minor) FROM hourly),
       (SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY minor) FROM hourly),
       count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'rejected'),
       count(*) FILTER (WHERE status = 'submitted'),
       coalesce(sum(seconds) FILTER (WHERE status = 'accepted'), 0),
       coalesce(sum(seconds) FILTER (WHERE status = 'rejected'), 0)
FROM worked
"""
BONUSES = """
SELECT count(*), coalesce(sum((data ->> 'amount_minor')::bigint), 0)::bigint
FROM workers_event
WHERE kind = 'bonus_paid' AND subject_kind = 'batch' AND subject_id = %(batch)s
"""


class Crowd(NamedTuple):
    """Those whose answers a batch has, gold and rejected answers included."""

    workers: int
    answers: int
    gold_answers: int
    since: datetime | None  # the first claim that led to an answer
    until: datetime | None  # the last submit
    countries: dict[str, int]  # workers by ISO 3166-1 code, as far as enough are of one


class Pay(NamedTuple):
    """What was paid, and per hour; undecided answers are in none of the hours."""

    reward: Money  # for an accepted answer
    median: Money | None  # of the workers' reward per hour; None while nothing is decided
    low: Money | None  # nine of ten workers have this or more
    accepted: int
    rejected: int
    undecided: int
    paid_hours: float
    unpaid_hours: float  # of rejected answers
    bonuses: int
    bonus: Money  # all of them


def crowd_of(batch: Batch) -> Crowd:
    """Count who answered, and name the countries of which at least ``COUNTRY_LEAST`` came."""
    with connection.cursor() as cursor:
        cursor.execute(CROWD, {"batch": batch.pk})
        workers, answers, gold, since, until = cursor.fetchone()
        cursor.execute(COUNTRIES, {"batch": batch.pk, "least": COUNTRY_LEAST})
        return Crowd(workers, answers, gold, since, until, dict(cursor.fetchall()))


def pay_of(batch: Batch) -> Pay:
    """Measure what workers earned per hour of working time (tasks.wages.time)."""
    with connection.cursor() as cursor:
        cursor.execute(PAY, {"batch": batch.pk, "hour": HOUR})
        median, low, accepted, rejected, undecided, paid, unpaid = cursor.fetchone()
        cursor.execute(BONUSES, {"batch": batch.pk})
        bonuses, bonus_minor = cursor.fetchone()
    return Pay(
        reward=batch.reward,
        median=None if median is None else Money(round(median), batch.currency),
        low=None if low is None else Money(round(low), batch.currency),
        accepted=accepted,
        rejected=rejected,
        undecided=undecided,
        paid_hours=round(paid / HOUR, 2),
        unpaid_hours=round(unpaid / HOUR, 2),
        bonuses=bonuses,
        bonus=Money(bonus_minor, batch.currency),
    )


def in_words(pay: Pay) -> str:
    """Say it to whoever uses the data, with what the figures leave out."""
    said = [f"{pay.reward} were paid for each accepted answer, gold included."]
    if pay.median is not None:
        said.append(
            f"By the server's clock half of the workers earned {pay.median} per hour or more,"
            f" nine of ten {pay.low} or more: from claim, or the submit before, to submit, less"
            " breaks."
        )
    said.append(
        f"{pay.rejected} of {pay.accepted + pay.rejected} decided answers were rejected and not"
        f" paid, {pay.unpaid_hours:g} hours of work; those hours are in the figures."
        if pay.rejected
        else "No answer was rejected: no submitted work went unpaid."
    )
    if pay.undecided:
        said.append(f"{pay.undecided} answers are not decided yet.")
    if pay.bonuses:
        said.append(f"Beside it {pay.bonuses} bonuses of {pay.bonus} in all were paid.")
    said.append(
        "Time without a submitted answer is not measured, and no minimum or living wage is known"
        " here, so the share of workers below one is not known."
    )
    return " ".join(said)
