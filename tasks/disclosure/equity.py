"""Do regions, or new workers, fare worse than others? Who may need more time? A human is told.

Nothing here acts on a worker: what comes of it are incidents, which end with a human's words. A
limit on a slow worker above all is a person's decision, with reasons and an appeal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.functions import MD5

from payments.incidents import raise_incident
from tasks.disclosure.disparity import Disparity, compare
from tasks.models import Batch
from workers.models import Block, Qualification, Worker
from workers.requirements import parse, type_ids, unmet

WINDOW = timedelta(days=90)  # what is looked at; who joined within it is new
WORKERS, BATCHES = 1_000, 100  # of whom offers are looked at, at most

# Per worker and currency: what was decided for good, and what was earned in what time.
WORK = """
SELECT w.id, coalesce(nullif(w.country, ''), 'unknown'), w.created_at > %(since)s, b.currency,
       count(*) FILTER (WHERE a.paid_at IS NOT NULL AND x.assignment_id IS NULL),
       count(*) FILTER (WHERE x.status = 'final'),
       count(*) FILTER (WHERE a.paid_at IS NOT NULL OR x.status = 'final'),
       coalesce(sum(a.worked_seconds), 0),
       sum(CASE WHEN a.paid_at IS NULL THEN 0 ELSE a.reward_minor END + a.effort_minor)
FROM tasks_batch b
JOIN tasks_assignment a ON a.batch_id = b.id
JOIN workers_worker w ON w.id = a.worker_id
LEFT JOIN tasks_rejection x ON x.assignment_id = a.id
WHERE (b.closed_at IS NULL OR b.closed_at > %(since)s) AND a.submitted_at > %(since)s
GROUP BY w.id, b.currency ORDER BY w.id, b.currency
"""
# Slow: far beyond the batch's usual time in most of at least 20 answers, while at work.
SLOW = """
SELECT a.worker_id, count(*), count(DISTINCT b.id),
       avg((a.worked_seconds > 2.5 * g.reference_seconds)::int)::float8
FROM tasks_batch b
JOIN tasks_wage g ON g.batch_id = b.id AND g.reference_seconds > 0
JOIN tasks_assignment a ON a.batch_id = b.id
WHERE (b.closed_at IS NULL OR b.closed_at > %(since)s) AND a.submitted_at > %(since)s
  AND a.worked_seconds IS NOT NULL AND a.coverage >= 0.8
GROUP BY a.worker_id
HAVING count(*) >= 20 AND count(DISTINCT b.id) >= 3
   AND avg((a.worked_seconds > 2.5 * g.reference_seconds)::int) >= 0.6
ORDER BY a.worker_id
"""


class Fared(NamedTuple):
    """How one worker fared in one currency."""

    worker: int
    country: str
    is_new: bool
    currency: str
    accepted: int  # at the first look
    rejected: int  # for good
    decided: int
    seconds: int
    minor: int


Grouping = Callable[[Any], str]
GROUPINGS: dict[str, Grouping] = {
    "region": lambda who: str(who.country),
    "tenure": lambda who: "new" if who.is_new else "settled",
}


def look(*, now: datetime) -> int:
    """Tell a human of each disparity and of each slow worker; return how many were news.

    The same is told once a quarter, so a run that repeats says nothing new.
    """
    quarter = f"{now.year}Q{(now.month + 2) // 3}"
    told = 0
    for grouping, found in disparities(now=now):
        if found.is_alert:
            subject = f"{found.measure} {grouping} {found.group} {quarter}"
            told += raise_incident("disparity", subject, _figures(found), now)
    for worker_id, figures in slow_workers(now=now):
        told += raise_incident("slow_work", f"worker {worker_id} {quarter}", figures, now)
    return told


def disparities(*, now: datetime) -> list[tuple[str, Disparity]]:
    """Compare every group with all others, by region and by tenure: offers, decisions and pay."""
    fared = _fared(now)
    found = []
    for grouping, group_of in GROUPINGS.items():
        for measure, share_of in MEASURES.items():
            shares = _by_group(fared, group_of, share_of(fared))
            made = compare(measure, shares, is_harm=measure == "rejections")
            found += [(grouping, each) for each in made]
    for grouping, offered in offers(now=now).items():
        found += [(grouping, each) for each in compare("offers", offered)]
    return found


def slow_workers(*, now: datetime) -> list[tuple[int, dict[str, Any]]]:
    """Workers who took far longer than usual, again and again, and the figures; by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(SLOW, {"since": now - WINDOW})
        rows = cursor.fetchall()
    return [
        (worker, {"answers": answers, "batches": batches, "slow_share": round(share, 2)})
        for worker, answers, batches, share in rows
    ]


def offers(*, now: datetime) -> dict[str, dict[str, list[float]]]:
    """By grouping and group: of the latest batches, the share that each worker may work on.

    Of the latest batches and of workers picked by a hash of their name, so that no order favours
    anybody; who may not work at all is left out.
    """
    published = Batch.objects.published().filter(
        published_at__gt=now - WINDOW, purpose=Batch.Purpose.WORK
    )
    asked = [
        (requester_id, parse(rules))
        for requester_id, rules in published.order_by("-pk").values_list(
            "project__requester_id", "requirements"
        )[:BATCHES]
    ]
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in GROUPINGS}
    if asked:
        for worker, share in _offered(asked, now):
            for name, group_of in GROUPINGS.items():
                found[name][group_of(worker)].append(share)
    return {name: dict(groups) for name, groups in found.items()}


class Candidate(NamedTuple):
    worker: int
    country: str
    is_new: bool


def _offered(asked: Sequence[tuple[int, Any]], now: datetime) -> Iterable[tuple[Candidate, float]]:
    active = Worker.objects.filter(status=Worker.Status.ACTIVE)
    picked = list(active.order_by(MD5("public_id"))[:WORKERS])
    types = set().union(*(type_ids(rules) for _, rules in asked))
    granted: dict[int, dict[int, int]] = defaultdict(dict)
    held = Qualification.objects.granted().filter(worker__in=picked, type__in=types)
    for worker_id, type_id, value in held.values_list("worker_id", "type_id", "value"):
        granted[worker_id][type_id] = value
    live = Block.objects.filter(worker__in=picked, lifted_at=None)
    apart = set(live.values_list("worker_id", "requester_id"))
    for worker in picked:
        place = (worker.country, worker.subdivision)
        may = [
            (worker.pk, requester_id) not in apart and not unmet(rules, granted[worker.pk], *place)
            for requester_id, rules in asked
        ]
        is_new = worker.created_at > now - WINDOW
        yield Candidate(worker.pk, worker.country or "unknown", is_new), sum(may) / len(may)


def _fared(now: datetime) -> list[Fared]:
    with connection.cursor() as cursor:
        cursor.execute(WORK, {"since": now - WINDOW})
        return [Fared(*row) for row in cursor.fetchall()]


def _by_group(
    fared: Iterable[Fared], group_of: Grouping, shares: Mapping[int, float]
) -> dict[str, list[float]]:
    """One share per worker, by their group."""
    groups: dict[str, dict[int, float]] = defaultdict(dict)
    for row in fared:
        if row.worker in shares:
            groups[group_of(row)][row.worker] = shares[row.worker]
    return {group: list(people.values()) for group, people in groups.items()}


def _shares(part: Callable[[Fared], int], fared: Sequence[Fared]) -> dict[int, float]:
    """Worker → the share of their decided answers that ``part`` counts."""
    parts: dict[int, int] = defaultdict(int)
    whole: dict[int, int] = defaultdict(int)
    for row in fared:
        parts[row.worker] += part(row)
        whole[row.worker] += row.decided
    return {worker: parts[worker] / decided for worker, decided in whole.items() if decided}


def _well_paid(fared: Sequence[Fared]) -> dict[int, float]:
    """Worker → 1 if they earn per hour what the middle worker does, in their main currency."""
    main: dict[int, Fared] = {}
    for row in sorted(fared, key=lambda row: (row.seconds, row.currency)):
        if row.seconds:
            main[row.worker] = row
    hourly: dict[str, list[float]] = defaultdict(list)
    for row in main.values():
        hourly[row.currency].append(row.minor / row.seconds)
    middle = {currency: median(rates) for currency, rates in hourly.items()}
    return {
        worker: float(row.minor / row.seconds >= middle[row.currency])
        for worker, row in main.items()
    }


MEASURES: dict[str, Callable[[Sequence[Fared]], dict[int, float]]] = {
    "acceptance": lambda fared: _shares(lambda row: row.accepted, fared),
    "rejections": lambda fared: _shares(lambda row: row.rejected, fared),
    "pay": _well_paid,
}


def _figures(found: Disparity) -> dict[str, Any]:
    return {
        "own": {name: round(value, 3) for name, value in found.own._asdict().items()},
        "others": {name: round(value, 3) for name, value in found.others._asdict().items()},
    }
