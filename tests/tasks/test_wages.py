"""What workers earned per hour, counted by hand; and countries that hide nobody."""

from __future__ import annotations

import pytest

from payments.deposits import deposit
from tasks import answer, settle
from tasks.models import Assignment
from tasks.provenance import wages
from tests.factories import HOUR, MINUTE, NOON, a_worker, claim, fresh, published_batch, refuse, usd
from tests.tasks.marketplace import reread

pytestmark = pytest.mark.django_db


def work(batch, worker, *minutes, start=NOON):
    """Answer one task after another, each in so many minutes."""
    for each in minutes:
        held = claim(batch, worker, now=start)
        start += each * MINUTE
        answer.submit(assignment_id=held.pk, worker=worker, answer={"label": "cat"}, now=start)


def accept_all(batch):
    settle.accept_all(
        batch=fresh(batch), assignment_ids=None, actor=batch.project.requester, now=NOON + HOUR
    )


def test_half_of_the_workers_earn_the_median_per_hour_or_more():
    batch = published_batch(tasks=6, reward=usd(10))
    work(batch, a_worker(), 1, 2)  # 20 cents in 3 minutes: 400 an hour
    work(batch, a_worker(), 2)  # 300
    work(batch, a_worker(), 6, 6)  # 100
    accept_all(batch)

    pay = wages.pay_of(fresh(batch))

    assert (pay.reward, pay.median) == (usd(10), usd(300))
    assert pay.low == usd(140)  # a tenth of the way from the first to the last: 100 + 0.2 · 200
    assert (pay.accepted, pay.rejected, pay.undecided) == (5, 0, 0)
    assert pay.paid_hours == round(17 / 60, 2)


def test_work_that_was_refused_lowers_the_pay_per_hour_and_is_told():
    batch = published_batch(tasks=3, reward=usd(10))
    worker = a_worker()
    work(batch, worker, 3, 3)
    refused = reread(Assignment.objects.earliest("pk"))
    refuse(assignment=refused, actor=batch.project.requester, now=NOON)
    accept_all(batch)

    pay = wages.pay_of(fresh(batch))

    assert pay.median == usd(100)  # 10 cents in 6 minutes
    assert (pay.paid_hours, pay.unpaid_hours, pay.rejected) == (0.05, 0.05, 1)
    assert "1 of 2 decided answers were rejected and not paid, 0.05 hours" in wages.in_words(pay)


def test_answers_that_nobody_decided_are_in_no_figure_per_hour():
    batch = published_batch(tasks=1)
    work(batch, a_worker(), 3)

    pay = wages.pay_of(batch)

    assert (pay.median, pay.low, pay.undecided) == (None, None, 1)
    assert "1 answers are not decided yet." in wages.in_words(pay)


def test_bonuses_are_told_beside_the_rewards():
    batch = published_batch(tasks=1)
    work(batch, a_worker(), 3)
    assert "bonuses" not in wages.in_words(wages.pay_of(batch))
    owner = batch.project.requester
    deposit(owner_id=owner.pk, amount=usd(9), reference="bonus", now=NOON)
    settle.bonus(
        assignment=reread(Assignment.objects.get()),
        amount=usd(7), reason="Quick.", key="k", actor=owner, now=NOON,
    )  # fmt: skip

    pay = wages.pay_of(fresh(batch))

    assert (pay.bonuses, pay.bonus) == (1, usd(7))
    assert "1 bonuses of 0.07 USD in all" in wages.in_words(pay)


def test_a_batch_that_nobody_worked_on_has_no_crowd():
    batch = published_batch()

    crowd = wages.crowd_of(batch)

    assert crowd == (0, 0, 0, None, None, {})
    assert wages.pay_of(batch).median is None


def test_a_country_is_named_from_ten_workers_on():
    batch = published_batch(tasks=20)
    crowd = [a_worker() for _ in range(20)]
    for place, worker in enumerate(crowd):
        worker.country = "KE" if place < 10 else "US" if place < 19 else ""
        worker.save()
        work(batch, worker, 1)

    found = wages.crowd_of(batch)

    assert (found.workers, found.countries) == (20, {"KE": 10})
    assert (found.since, found.until) == (NOON, NOON + MINUTE)
