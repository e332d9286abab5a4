"""What the tests of fair pay do and look at: answers that took a known time, and who got what."""

from __future__ import annotations

from datetime import timedelta

from payments import accounts
from payments.deposits import deposit
from payments.models import Account
from payments.money import Money
from tasks import answer, invariants, settle
from tasks.models import Assignment, TopUp, Wage
from tests.factories import HOUR, NOON, a_project, a_requester, a_worker, claim, fresh
from tests.factories import published_batch as published
from workers.models import Event

LATER = NOON + HOUR
EVEN_LATER = NOON + 2 * HOUR


def worked(batch, worker=None, *, seconds, coverage=1.0, now=NOON):
    """One submitted answer that took so long."""
    made = claim(batch, worker or a_worker(), now=now)
    answer.submit(
        assignment_id=made.pk,
        worker=made.worker,
        answer={"label": "cat"},
        now=now + timedelta(seconds=seconds),
    )
    Assignment.objects.filter(pk=made.pk).update(worked_seconds=seconds, coverage=coverage)
    return fresh(made)


def crowd(batch, *seconds, **how):
    """One answer each by as many workers; who they are, in this order."""
    return [worked(batch, seconds=each, **how).worker for each in seconds]


def accept_and_pay(batch, now=LATER):
    settle.accept_all(batch=fresh(batch), assignment_ids=None, actor=owner(batch), now=now)
    settle.pay_accepted(now=now)


def owner(batch):
    return batch.project.requester


def rich(cents=100_000, currency="USD"):
    """A project whose requester has money to spare."""
    requester = a_requester()
    give(requester, cents, currency)
    return a_project(requester=requester)


def give(requester, cents, currency="USD"):
    reference = f"more-{requester.pk}-{Account.objects.count()}-{cents}"
    money = Money(cents, currency)
    deposit(owner_id=requester.pk, amount=money, reference=reference, now=NOON)


def fair(**fields):
    """A published batch of a requester with money to spare, with time enough for its workers."""
    terms = {"assignment_duration": timedelta(hours=2), "gold_rate": 0, **fields}
    return published(**{"project": rich(), **terms})


def wallet(batch):
    return accounts.wallet_of(owner(batch).pk, batch.currency).available.minor


def earned(worker, currency="USD"):
    return accounts.earnings_of(worker.user_id, currency).balance.minor


def reserve(batch):
    return Account.objects.get(pk=fresh(batch).reserve_id).balance_minor


def wage_of(batch):
    return Wage.objects.get(batch=batch)


def topups(batch):
    """(rule, worker, from reserve, from the platform), in the order they were made."""
    rows = TopUp.objects.filter(batch=batch).order_by("pk")
    return list(rows.values_list("rule", "worker", "reserve_minor", "guarantee_minor"))


def said(batch, kind):
    rows = Event.objects.filter(subject_kind="batch", subject_id=batch.pk, kind=kind)
    return [event.data for event in rows.order_by("pk")]


def nothing_is_broken(now=LATER):
    assert invariants.broken(now=now) == []
