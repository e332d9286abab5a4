from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, transaction

from payments import accounts, ledger
from tasks import answer, publish, settle, leaving
from tasks.compensation import floor as floors, pilot, returns, wage, topups as verbs
from tasks.models import Assignment, Batch, Return, Wage
from tests.factories import *
from tests.tasks.compensation.paying import *
from tests.tasks.clocking import at
from tests.tasks.sessions import in_thread, wait_for_a_lock
from payments.models import Account

pytestmark = pytest.mark.django_db(transaction=True)


def a_batch(**fields):
    if not floors.floors.in_force(currency="USD", on=NOON.date()):
        floor(1200)
    return fair(**{"tasks": 40, "reward": usd(100), "estimate_seconds": 300, **fields})


def test_7_raise_against_pay_accepted():
    batch = a_batch(tasks=20)
    crowd(batch, 360, 360, 360, 360, 360)
    settle.accept_all(batch=fresh(batch), assignment_ids=None, actor=owner(batch), now=LATER)
    wage.look_due(now=LATER)
    give(owner(batch), 10_000)
    # pay_accepted half way: rows locked, accounts next
    with transaction.atomic():
        rows_ = list(Assignment.objects.unpaid().order_by("pk").select_related("batch", "worker").select_for_update(skip_locked=True, of=("self",)))
        raising = in_thread(lambda: publish.raise_reward(batch=fresh(batch), reward=usd(130), actor=owner(batch), now=LATER))
        wait_for_a_lock()
        ledger.post_all(settle._postings(rows_), now=LATER)
        Assignment.objects.filter(pk__in=[r.pk for r in rows_]).update(paid_at=LATER)
    raising.result()


def test_7b_raise_against_return():
    batch = a_batch(tasks=20)
    held = claim(batch)
    give(owner(batch), 10_000)
    with transaction.atomic():
        answer.skip(assignment=held, reason="x", code=Return.Reason.BROKEN, now=at(60))
        raising = in_thread(lambda: publish.raise_reward(batch=fresh(batch), reward=usd(130), actor=owner(batch), now=LATER))
        wait_for_a_lock()
    raising.result()


def test_7c_raise_against_skip_in_pilot():
    from tasks import reopen
    batch = a_batch(tasks=40)
    held = claim(batch)
    give(owner(batch), 10_000)
    with transaction.atomic():
        Assignment.objects.filter(pk=held.pk).update(status="skipped", finished_at=NOON)
        raising = in_thread(lambda: publish.raise_reward(batch=fresh(batch), reward=usd(130), actor=owner(batch), now=LATER))
        wait_for_a_lock()
        reopen.give_back(fresh(batch), [held.task_id])
    raising.result()


def test_8_leaver_with_two_batches_against_hourly_top_up():
    a, b = a_batch(tasks=10), a_batch(tasks=10)
    w = a_worker()
    others = [a_worker() for _ in range(4)]
    for batch in (a, b):
        for each in [w, *others]:
            worked(batch, each, seconds=360)
        accept_and_pay(batch)
    wage.look_due(now=LATER)
    with transaction.atomic():
        # hourly run: holds b
        bb = verbs.locked(b.pk)
        going = in_thread(lambda: transaction.atomic()(verbs.top_up_worker)(worker=w, now=LATER))
        wait_for_a_lock()
        verbs.pay_job(bb, wage_of(b), now=LATER)
    going.result()


def test_9_end_against_bonus():
    batch = a_batch(tasks=5)
    r = owner(batch)
    workers = crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)
    publish.close(batch=fresh(batch), actor=r, now=LATER)
    w = workers[0]
    wal = accounts.wallet_of(r.pk, "USD"); ear = accounts.earnings_of(w.user_id, "USD")
    assert wal.pk < ear.pk
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=wal.pk)  # bonus: first lock
        ending = in_thread(lambda: settle.wind_up(now=LATER))
        wait_for_a_lock()
        Account.objects.select_for_update(no_key=True).get(pk=ear.pk)  # its second
    assert ending.result() == 1


def test_9b_raise_against_accept_all_order():
    batch = a_batch(tasks=20)
    give(owner(batch), 10_000)
    one, two = worked(batch, seconds=300), worked(batch, seconds=300)
    # make the later pk come first in the heap
    Assignment.objects.filter(pk=one.pk).update(reason="x")
    with transaction.atomic():
        Assignment.objects.select_for_update(no_key=True).get(pk=one.pk)
        raising = in_thread(lambda: publish.raise_reward(batch=fresh(batch), reward=usd(130), actor=owner(batch), now=LATER))
        wait_for_a_lock()
        Assignment.objects.select_for_update(no_key=True).get(pk=two.pk)
    raising.result()
