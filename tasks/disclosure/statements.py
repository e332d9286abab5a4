"""Statements: what a worker earned, for what and in what time; what a requester's money did.

Rows of several sorts in one stream, told apart by ``row``. Amounts are minor units, positive for
whoever reads; times are seconds as measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from payments import statements
from payments.models import Account, Transfer
from payments.statements import Entry
from tasks.models import Assignment, Batch, Rejection, TopUp
from tasks.wages.floor import HOUR
from workers.models import User, Worker

Row = dict[str, Any]
Pages = Iterator[list[Row]]

# Time that was paid for, and all time: also that of answers refused, returned or too late.
WORKED = """
WITH facts AS (
    SELECT a.batch_id, coalesce(a.submitted_at, a.finished_at) AS at,
           (a.submitted_at IS NOT NULL)::int AS answers,
           CASE WHEN a.paid_at IS NOT NULL OR a.effort_minor > 0 THEN a.worked_seconds END AS paid,
           coalesce(a.worked_seconds, round(a.active_seconds)) AS spent,
           CASE WHEN a.paid_at IS NULL THEN 0 ELSE a.reward_minor END + a.effort_minor AS minor
    FROM tasks_assignment a WHERE a.worker_id = %(worker)s AND a.status <> 'active'
    UNION ALL
    SELECT batch_id, made_at, 0, 0, 0, reserve_minor + guarantee_minor
    FROM tasks_topup WHERE worker_id = %(worker)s
), dated AS (
    SELECT *, date_trunc('week', at AT TIME ZONE 'UTC')::date AS week
    FROM facts WHERE at >= %(since)s AND at < %(until)s
)
SELECT b.currency, b.id, p.title, d.week, sum(answers), sum(paid), sum(spent), sum(minor)
FROM dated d JOIN tasks_batch b ON b.id = d.batch_id JOIN tasks_project p ON p.id = b.project_id
GROUP BY GROUPING SETS ((b.currency, b.id, p.title), (b.currency, d.week))
ORDER BY d.week NULLS FIRST, b.id, b.currency
"""
# What left each batch's funds and reserve; what the platform paid in the requester's place.
SPENT = """
SELECT b.currency, b.id, p.title, t.kind, t.minor
FROM tasks_project p JOIN tasks_batch b ON b.project_id = p.id
CROSS JOIN LATERAL (
    SELECT kind, sum(amount_minor) AS minor FROM payments_transfer
    WHERE source_id IN (b.escrow_id, b.reserve_id)
      AND posted_at >= %(since)s AND posted_at < %(until)s GROUP BY kind
    UNION ALL
    SELECT 'guarantee', sum(guarantee_minor) FROM tasks_topup
    WHERE batch_id = b.id AND made_at >= %(since)s AND made_at < %(until)s
    HAVING sum(guarantee_minor) > 0) t
WHERE p.requester_id = %(requester)s ORDER BY b.id, t.kind
"""


def of_worker(worker: Worker, *, since: datetime, until: datetime) -> Pages:
    """Yield what a worker earned and was paid out from ``since`` on and before ``until``.

    ``entry``: one movement of the earnings; ``top_up``: one, with the figures of its formula;
    ``batch`` and ``week``: hours and pay per hour, of paid and of all time; ``pending``: what is
    not paid yet, with the date it is accepted by itself, whenever it was submitted.
    """
    days = {"since": since, "until": until}
    earned = statements.entries(owner_id=worker.user_id, purpose=Account.Purpose.EARNINGS, **days)
    for page in earned:
        yield _earned(page)
    yield [_topped(each) for each in _top_ups(worker, **days)]
    yield [_worked(row) for row in _asked(WORKED, {"worker": worker.pk, **days})]
    yield _pending(worker)


def of_requester(requester: User, *, since: datetime, until: datetime) -> Pages:
    """Yield what a requester's money did from ``since`` on and before ``until``.

    ``entry``: one movement of the wallet, with the batch it went to or came from; ``batch``: what
    left a batch's funds or reserve, by kind, and what the platform paid in their place.
    """
    own = Batch.objects.of(requester.pk).published().values_list("pk", "escrow_id", "reserve_id")
    batch_of = {account: pk for pk, *accounts in own for account in accounts if account}
    days = {"since": since, "until": until}
    for page in statements.entries(owner_id=requester.pk, purpose=Account.Purpose.WALLET, **days):
        yield [_entry(entry, batch_of.get(entry.other_id)) for entry in page]
    spent = _asked(SPENT, {"requester": requester.pk, **days})
    yield [
        {"row": "batch", "currency": currency, "batch": batch, "title": title, "kind": kind,
         "amount": -int(minor)}
        for currency, batch, title, kind, minor in spent
    ]  # fmt: skip


def _earned(page: Sequence[Entry]) -> list[Row]:
    """Movements with their batches. Top-ups come by themselves, with their figures."""
    found = [entry for entry in page if entry.kind != Transfer.Kind.TOP_UP]
    paying = Batch.objects.filter(escrow__in={entry.other_id for entry in found})
    batch_of = dict(paying.values_list("escrow_id", "pk"))
    # A bonus comes from a wallet; its key names the assignment.
    bonuses = {
        entry.id: int(entry.key.split(":")[1])
        for entry in found
        if entry.kind == Transfer.Kind.BONUS
    }
    rewarded = Assignment.objects.filter(pk__in=bonuses.values())
    batch_of_bonus = dict(rewarded.values_list("pk", "batch_id"))
    return [
        _entry(entry, batch_of.get(entry.other_id) or batch_of_bonus.get(bonuses.get(entry.id, 0)))
        for entry in found
    ]


def _entry(entry: Entry, batch_id: int | None) -> Row:
    return {
        "row": "entry",
        "at": entry.at,
        "kind": entry.kind,
        "amount": entry.amount_minor,
        "currency": entry.currency,
        "batch": batch_id,
    }


def _top_ups(worker: Worker, *, since: datetime, until: datetime) -> Iterable[TopUp]:
    made = TopUp.objects.filter(worker=worker, made_at__gte=since, made_at__lt=until)
    return made.select_related("batch").order_by("pk").iterator(chunk_size=statements.PAGE)


def _topped(made: TopUp) -> Row:
    return {
        "row": "top_up",
        "at": made.made_at,
        "kind": made.rule,
        "amount": made.amount_minor,
        "currency": made.batch.currency,
        "batch": made.batch_id,
        "inputs": made.inputs,
    }


def _worked(row: Sequence[Any]) -> Row:
    currency, batch, title, week, answers, paid, spent, minor = row
    amount, paid_seconds, all_seconds = int(minor), int(paid or 0), int(spent or 0)
    about = {"row": "week", "week": week}
    if batch:
        about = {"row": "batch", "batch": batch, "title": title}
    return {
        **about,
        "currency": currency,
        "amount": amount,
        "answers": int(answers),
        "paid_seconds": paid_seconds,
        "all_seconds": all_seconds,
        "paid_hourly": amount * HOUR // paid_seconds if paid_seconds else None,
        "all_hourly": amount * HOUR // all_seconds if all_seconds else None,
    }


def _pending(worker: Worker) -> list[Row]:
    """What may still be paid: undecided, accepted and not paid yet, or in a hearing."""
    held = Q(status=Assignment.Status.REJECTED, rejection__status__in=Rejection.PENDING)
    waiting = Q(status=Assignment.Status.SUBMITTED) | held
    unpaid = Q(status=Assignment.Status.ACCEPTED, paid_at=None)
    own = Assignment.objects.of(worker).filter(waiting | unpaid).select_related("batch")
    return [
        {
            "row": "pending",
            "at": assignment.submitted_at,
            "kind": PENDING[assignment.status],
            "amount": assignment.reward_minor - assignment.effort_minor,
            "currency": assignment.batch.currency,
            "batch": assignment.batch_id,
            "accept_due_at": assignment.accept_due_at
            if assignment.status == Assignment.Status.SUBMITTED
            else None,
        }
        for assignment in own.order_by("pk")
    ]


PENDING: Mapping[str, str] = {
    Assignment.Status.SUBMITTED: "undecided",
    Assignment.Status.ACCEPTED: "accepted",
    Assignment.Status.REJECTED: "in_hearing",
}


def _asked(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        return list(cursor.fetchall())
