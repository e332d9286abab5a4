from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from payments import accounts
from tasks.hearings import jury
from tasks.invariants import broken
from tasks.models import Juror
from tests.factories import (
    a_user,
    floor,
    published_batch,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.hearings.hearing import (
    AFTER,
    LATER,
    WORDS,
    appealed,
    earned,
    floored_batch,
    juror,
    pay_all,
    votes,
)
from workers.models import Worker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def ids(worker, now=LATER):
    return [case.id for case in jury.cases_for(worker, now=now)]


def join(appeal, worker, now=LATER):
    return jury.join(appeal_id=appeal.pk, worker=worker, now=now)


def vote(appeal, worker, choice="overturn", now=LATER, reason=WORDS):
    return jury.vote(
        appeal_id=appeal.pk, worker=worker, vote=Juror.Vote(choice), reason=reason, now=now
    )


@pytest.mark.parametrize(
    ("reference", "pay"),
    [(None, 60), (20, 60), (60, 60), (61, 61), (300, 300)],  # the estimate is 60
)
def test_a_vote_is_paid_the_floor_for_three_times_the_usual_time(reference, pay):
    batch = floored_batch(reference=reference)

    [seat] = votes(appealed(batch), "overturn")

    assert (seat.pay_minor, seat.currency) == (pay, "USD")
    pay_all(now=LATER)
    assert earned(seat.worker) == pay
    assert jury.pay_jurors(now=LATER) == 0
    assert broken(now=LATER) == []


def test_without_a_floor_a_vote_is_paid_like_an_answer():
    [seat] = votes(appealed(published_batch(tasks=1, reward=usd(7))), "uphold")

    assert seat.pay_minor == 7


def test_the_floor_where_a_juror_lives_counts_if_it_is_higher():
    floor(per_hour_minor=1200)
    floor(per_hour_minor=1690, jurisdiction="US-CA")
    appeal, worker = appealed(published_batch(tasks=1)), juror()
    Worker.objects.filter(pk=worker.pk).update(country="US", subdivision="CA")

    assert join(appeal, Worker.objects.get(pk=worker.pk)).pay_minor == 85  # 84.5


def test_a_seat_nobody_voted_on_is_not_paid():
    appeal = appealed(published_batch(tasks=1))
    worker = juror()
    join(appeal, worker)

    assert jury.pay_jurors(now=AFTER) == 0


@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_pay_each_juror_once():
    seats = votes(appealed(published_batch(tasks=1)), "overturn", "uphold", "uphold")

    paid = at_once([partial(jury.pay_jurors, now=LATER)] * 8)

    assert sum(paid) == 3
    assert [earned(each.worker) for each in seats] == [5, 5, 5]
    assert accounts.review_pay("USD") is not None
    assert broken(now=LATER) == []


def test_a_worker_who_is_nobody_has_no_cases():
    appealed(published_batch(tasks=1))

    assert ids(a_user(worker=True).worker) == []
