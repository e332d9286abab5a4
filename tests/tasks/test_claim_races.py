from __future__ import annotations

import random
from collections import Counter
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tasks import answer
from tasks.distribute import Handout
from tasks.errors import OwnBatch, TooManyLiveAssignments
from tasks.invariants import broken
from tasks.models import Assignment, Cursor, Task
from tests.factories import (
    NOON,
    a_worker,
    claim,
    link,
    published_batch,
    slots,
)
from tests.payments.books import at_once
from tests.tasks.racing import ask, given, until_nothing_is_left
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from workers import people
from workers.models import User

pytestmark = pytest.mark.django_db(transaction=True)


# One task, many workers.


def test_of_sixteen_workers_who_want_one_task_as_many_get_it_as_its_overlap():
    batch, workers = published_batch(tasks=1, overlap=5), [a_worker() for _ in range(16)]

    def insist(worker):
        # A task that another claim has in hand counts as not open: one asks again.
        return until_nothing_is_left(batch, worker) or until_nothing_is_left(batch, worker)

    outcomes = at_once([partial(insist, worker) for worker in workers])
    late = [until_nothing_is_left(batch, worker) for worker in workers]

    assert sum(outcomes) + sum(late) == 5
    assert slots(batch) == [0]
    assert broken(now=NOON) == []


def test_eight_workers_take_all_slots_of_a_batch_and_no_more():
    batch = published_batch(tasks=12, gold=2, gold_rate=0.2, overlap=3, max_live_assignments=50)
    workers = [a_worker() for _ in range(8)]
    gold = sum(slots(batch)[12:])

    def work(number):
        draw = random.Random(number).random
        return until_nothing_is_left(batch, workers[number], count=number % 4 + 1, draw=draw)

    at_once([partial(work, number) for number in range(8)])
    for worker in workers:  # what was locked in passing
        until_nothing_is_left(batch, worker)

    per_task = Counter(Assignment.objects.filter(is_gold=False).values_list("task_id", flat=True))
    assert set(per_task.values()) == {3}
    assert len(per_task) == 12
    assert Assignment.objects.filter(is_gold=True).count() + sum(slots(batch)[12:]) == gold
    assert broken(now=NOON) == []


# One worker, many tabs.


def test_sixteen_tabs_of_one_worker_get_exactly_the_cap():
    batch, worker = published_batch(tasks=40, max_live_assignments=5), a_worker()
    claim(batch, a_worker())

    outcomes = given(at_once([partial(ask, batch, worker)] * 16))

    assert sum(isinstance(outcome, TooManyLiveAssignments) for outcome in outcomes) == 11
    assert outcomes.count(1) == 5
    assert Assignment.objects.filter(worker=worker).count() == 5
    assert Cursor.objects.filter(worker=worker).count() == 1


def test_sixteen_tabs_that_ask_for_handfuls_get_exactly_the_cap():
    batch, worker = published_batch(tasks=60, max_live_assignments=30), a_worker()

    outcomes = given(at_once([partial(ask, batch, worker, count=20)] * 16))

    assert sorted(each for each in outcomes if isinstance(each, int)) == [10, 20]
    assert sum(isinstance(outcome, TooManyLiveAssignments) for outcome in outcomes) == 14
    assert Assignment.objects.filter(worker=worker).count() == 30


def test_eight_first_claims_at_once_make_one_cursor():
    batch, worker = published_batch(tasks=8), a_worker()

    outcomes = given(at_once([partial(ask, batch, worker)] * 8))

    assert outcomes == [1] * 8
    assert Cursor.objects.get(batch=batch).worker == worker
    assert len(set(Assignment.objects.values_list("task_id", flat=True))) == 8


def test_tabs_that_claim_and_skip_and_submit_get_no_task_twice():
    batch, worker = published_batch(tasks=40, overlap=2, max_live_assignments=3), a_worker()

    def tab(number):
        for step in range(5):
            try:
                handout = ask(batch, worker)
            except TooManyLiveAssignments:
                continue
            for each in handout.assignments:
                if (number + step) % 2:
                    answer.skip(assignment=Assignment.objects.get(pk=each.id), now=NOON)
                else:
                    answer.submit(assignment_id=each.id, worker=worker, answer="cat", now=NOON)

    assert at_once([partial(tab, number) for number in range(6)]) == [None] * 6
    tasks = list(Assignment.objects.values_list("task_id", flat=True))
    assert len(tasks) == len(set(tasks)) > 10
    assert broken(now=NOON) == []


# One person, two accounts.


def test_two_accounts_of_one_person_who_want_the_same_tasks_at_once_share_them():
    batch = published_batch(tasks=10, overlap=2, max_live_assignments=50)
    one, other = a_worker(), a_worker()
    link(one, other)

    at_once([partial(until_nothing_is_left, batch, each) for each in (one, other) * 4])

    for each in one, other:
        until_nothing_is_left(batch, each)
    assert Assignment.objects.count() == 10
    assert slots(batch) == [1] * 10
    assert broken(now=NOON) == []


def test_when_two_accounts_take_one_task_in_the_same_moment_one_gets_nothing_for_a_second():
    batch = published_batch(tasks=3, overlap=2)
    one, other = a_worker(), a_worker()
    link(one, other)
    claim(batch, one)
    claim(batch, other)
    last = Task.objects.filter(assignments=None).get()

    with transaction.atomic(), connection.cursor() as cursor:
        # A claim that began before the other account's claim was committed cannot see it.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        with locked(TAKEN, last.pk, one.pk, commit=True):
            pass
        handout = ask(batch, other)

    assert handout == Handout([], 1)
    assert Assignment.objects.get(task=last).worker == one
    assert slots(batch) == [1, 1, 2]


def test_that_a_worker_has_the_task_already_is_not_taken_for_another_account_of_theirs():
    batch, worker = published_batch(tasks=2, overlap=2), a_worker()
    claim(batch, worker)
    last = Task.objects.filter(assignments=None).get()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        with locked(TAKEN, last.pk, worker.pk, commit=True):  # past the cursor's lock
            pass
        with pytest.raises(IntegrityError, match="assignment_once_per_worker"):
            ask(batch, worker)


TAKEN = """
INSERT INTO tasks_assignment (batch_id, task_id, worker_id, person_id, status, is_gold,
                              reward_minor, fee_minor, claimed_at, deadline_at, reason)
SELECT t.batch_id, t.id, w.id, u.person_id, 'active', false, 5, 1, now(), now() + interval '1 h', ''
FROM tasks_task t, workers_worker w JOIN workers_user u ON u.id = w.user_id
WHERE t.id = %s AND w.id = %s
"""


def test_a_claim_that_waits_for_a_link_sees_one_person():
    batch, one, other = published_batch(tasks=1, overlap=2), a_worker(), a_worker()
    claim(batch, one)
    outcomes = []

    with transaction.atomic():
        link(one, other)
        claiming = in_thread(lambda: outcomes.append(ask(batch, other)))
        wait_for_a_lock()
    claiming.join()

    assert given(outcomes) == [0]
    assert broken(now=NOON) == []


@pytest.mark.parametrize("known", [True, False])
def test_a_link_and_a_claim_that_meet_do_not_deadlock(known):
    batch, one, other = published_batch(tasks=2, overlap=2), a_worker(), a_worker()
    if known:
        claim(batch, other)
    claim(batch, one)
    outcomes = []

    def attempt():
        try:
            outcomes.append(link(one, other))
        except OperationalError as error:
            outcomes.append(error)

    with transaction.atomic():
        ask(batch, other)
        linking = in_thread(attempt)
        wait_for_a_lock()
    linking.join()

    assert outcomes == [None]
    assert User.objects.get(worker=other).person_id == User.objects.get(worker=one).person_id
    assert {each.person_id for each in Assignment.objects.filter(worker=other)} <= {
        User.objects.get(worker=one).person_id,
        other.user.person_id,
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_claim_that_meets_the_link_to_the_requester_does_not_pass(known):
    batch, worker = published_batch(tasks=2), a_worker()
    if known:
        claim(batch, worker)
    requester, before = batch.project.requester, Assignment.objects.count()
    refused = []

    def attempt():
        try:
            ask(batch, worker)
        except OwnBatch as error:
            refused.append(error)

    with transaction.atomic():
        people.link(kept=requester.person, absorbed=worker.user.person, now=NOON, actor=None)
        claiming = in_thread(attempt)
        wait_for_a_lock()
    claiming.join()

    assert len(refused) == 1
    assert Assignment.objects.count() == before
