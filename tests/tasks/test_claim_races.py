"""Claims beside each other and beside everything else: real threads, committed rows."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from payments.deposits import deposit
from tasks import answer, distribute, publish, settle
from tasks.distribute import Handout
from tasks.errors import IllegalTransition, OwnBatch, TooManyLiveAssignments
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Cursor, Task
from tests.factories import (
    HOUR,
    NOON,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    link,
    never_gold,
    published_batch,
    rows,
    slots,
    submitted,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from tests.workers.make import a_qualification_type
from workers import people, qualify
from workers.errors import NotQualified
from workers.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SWEPT = NOON + HOUR


def ask(batch, worker, *, count=1, now=NOON, draw=never_gold):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=draw)


def given(outcomes):
    """How many tasks each claim gave; an error stays what it is."""
    return [len(each.assignments) if isinstance(each, Handout) else each for each in outcomes]


def until_nothing_is_left(batch, worker, *, count=1, draw=never_gold):
    """Claim until there is nothing, looking behind each time; return how many tasks."""
    total, now = 0, NOON
    while handout := ask(batch, worker, count=count, now=now, draw=draw).assignments:
        total += len(handout)
        now += HOUR
    return total


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


# Claims beside what the requester and the clock do.


def test_a_revocation_and_a_claim_at_once_are_one_after_the_other():
    french = a_qualification_type()
    asked = [{"qualification": french.pk, "comparator": "exists"}]
    batch = published_batch(tasks=40, requirements=asked, max_live_assignments=40)
    worker = a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    def revoke():
        qualify.revoke(type=french, worker=worker, now=NOON, actor=None)

    outcomes = at_once([revoke, *[partial(ask, batch, worker)] * 6])

    with pytest.raises(NotQualified):
        ask(batch, worker)
    assert all(each == 1 or isinstance(each, NotQualified) for each in given(outcomes[1:]))


def test_two_sweeps_at_once_give_each_slot_back_once():
    batch = published_batch(tasks=20, overlap=2, max_live_assignments=20)
    for _ in range(2):
        ask(batch, a_worker(), count=20)

    swept = at_once([partial(distribute.expire_overdue, now=SWEPT)] * 4)

    assert sum(swept) == 40
    assert slots(batch) == [2] * 20
    assert broken(now=SWEPT) == []


def test_an_answer_and_the_sweep_at_once_have_one_winner_each_time():
    batch, worker = published_batch(tasks=12, max_live_assignments=20), a_worker()
    held = [each.id for each in ask(batch, worker, count=12).assignments]

    def submit(pk):
        answer.submit(assignment_id=pk, worker=worker, answer="cat", now=SWEPT)

    sweeps = [partial(distribute.expire_overdue, now=SWEPT, limit=4)] * 3
    outcomes = at_once([*sweeps, *[partial(submit, pk) for pk in held]])

    swept, refused = sum(outcomes[:3]), outcomes[3:]
    assert refused.count(None) == Assignment.objects.filter(status="submitted").count()
    assert sum(isinstance(each, IllegalTransition) for each in refused) == swept
    assert sum(slots(batch)) == swept
    assert broken(now=SWEPT) == []


def test_skips_rejections_expiries_and_claims_at_once_lose_no_slot():
    batch = published_batch(tasks=6, overlap=4, max_live_assignments=50)
    actor = batch.project.requester
    waiting = [submitted(batch).pk for _ in range(6)]
    held = [claim(batch).pk for _ in range(6)]
    overdue = [claim(batch, now=NOON - HOUR).pk for _ in range(4)]

    def skip(pk):
        answer.skip(assignment=Assignment.objects.get(pk=pk), now=NOON)

    def reject(pk):
        assignment = Assignment.objects.get(pk=pk)
        settle.reject(assignment=assignment, reason="No.", actor=actor, now=NOON)

    outcomes = at_once(
        [
            *[partial(skip, pk) for pk in held],
            *[partial(reject, pk) for pk in waiting],
            *[partial(distribute.expire_overdue, now=NOON)] * 2,
            *[partial(ask, batch, a_worker(), count=3) for _ in range(4)],
        ]
    )

    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert errors == []
    assert Assignment.objects.filter(pk__in=overdue, status="expired").count() == 4
    assert broken(now=NOON) == []


def test_an_upload_and_claims_at_once_lose_no_slot_and_no_money():
    batch = published_batch(tasks=5, gold=1, gold_rate=0.5, overlap=2, max_live_assignments=50)
    give(batch, 10_000)
    workers = [a_worker() for _ in range(4)]

    outcomes = at_once(
        [
            *[partial(add_tasks, batch, rows(5)) for _ in range(3)],
            *[
                partial(until_nothing_is_left, batch, worker, draw=random.Random(seed).random)
                for seed, worker in enumerate(workers)
            ],
            distribute.collect_stragglers,
        ]
    )

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert broken(now=NOON) == []


def give(batch, cents):
    deposit(owner_id=batch.project.requester_id, amount=usd(cents), reference="more", now=NOON)


def test_closing_and_claiming_at_once_honours_what_was_claimed_and_refunds_the_rest():
    batch = published_batch(tasks=30, max_live_assignments=50)
    actor = batch.project.requester
    workers = [a_worker() for _ in range(4)]

    def close():
        publish.close(batch=batch, actor=actor, now=NOON)
        for _ in range(20):
            settle.wind_up(now=NOON)

    at_once([close, *[partial(until_nothing_is_left, batch, worker) for worker in workers]])
    settle.wind_up(now=NOON)

    live = Assignment.objects.filter(batch=batch, status="active").count()
    assert fresh(batch).reserved == live * 6
    assert broken(now=NOON) == []
    for assignment in Assignment.objects.filter(batch=batch):
        answer.skip(assignment=assignment, now=NOON)
    settle.wind_up(now=NOON)
    assert fresh(batch).status == Batch.Status.CLOSED
    assert fresh(batch).refunded_minor == 30 * 6


def test_a_slot_given_back_while_the_batch_begins_to_close_is_withdrawn_later():
    batch = published_batch(tasks=1)
    old = Assignment.objects.select_related("batch").get(pk=claim(batch).pk)
    assert old.batch.reopens
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)

    answer.skip(assignment=old, now=NOON)  # it still takes the batch for open

    assert not ask(batch, a_worker()).assignments
    settle.wind_up(now=NOON)
    assert fresh(batch).status == Batch.Status.CLOSED
    assert broken(now=NOON) == []


def test_sweeps_release_money_in_the_order_in_which_the_ledger_locks_accounts():
    # The first batch is published last, so its escrow is the younger account.
    younger = drafted_batch(tasks=1)
    older = published_batch(tasks=1)
    give(younger, 6)
    publish.publish(batch=younger, actor=younger.project.requester, now=NOON)
    escrows = [fresh(older).escrow_id, fresh(younger).escrow_id]
    assert escrows == sorted(escrows)
    assert older.pk > younger.pk
    for batch in older, younger:
        claim(batch)
        publish.close(batch=fresh(batch), actor=batch.project.requester, now=NOON)
    outcomes = []

    def sweep():
        try:
            outcomes.append(distribute.expire_overdue(now=SWEPT))
        except OperationalError as error:
            outcomes.append(error)

    with transaction.atomic(), connection.cursor() as cursor:
        # As a payment does, that reaches both escrows.
        cursor.execute(LOCK_ACCOUNT, [escrows[0]])
        sweeping = in_thread(sweep)
        wait_for_a_lock()
        cursor.execute(LOCK_ACCOUNT, [escrows[1]])
    sweeping.join()

    assert outcomes == [2]


LOCK_ACCOUNT = "SELECT 1 FROM payments_account WHERE id = %s FOR NO KEY UPDATE"


def test_a_claim_waits_for_no_other_worker():
    batch, one, other = published_batch(tasks=3, overlap=2), a_worker(), a_worker()
    claim(batch, one)
    claim(batch, other)

    with transaction.atomic():
        ask(batch, one)
        waiting = at_once([partial(ask, batch, other)])

    assert given(waiting) == [1]
