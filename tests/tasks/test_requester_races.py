from __future__ import annotations

import random
from contextlib import ExitStack
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from payments.deposits import deposit
from tasks import aggregate, answer, distribute, publish, settle
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Consensus
from tests.factories import (
    HOUR,
    NOON,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    refuse,
    rows,
    slots,
    submitted,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.racing import SWEPT, ask, given, until_nothing_is_left
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from tests.workers.make import a_qualification_type
from workers import qualify
from workers.errors import NotQualified

pytestmark = pytest.mark.django_db(transaction=True)


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
        refuse(assignment=assignment, actor=actor, now=NOON)

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


def test_a_rejection_that_meets_the_end_of_an_aggregation_does_not_deadlock():
    batch = published_batch(tasks=1, overlap=3, aggregation="majority_vote")
    first, second = fresh(submitted(batch)), fresh(submitted(batch))
    aggregate.aggregate_due(now=NOON)
    submitted(batch)
    actor, outcomes = batch.project.requester, []

    def reject(assignment):
        refuse(assignment=assignment, actor=actor, now=NOON)

    def run(step):
        try:
            outcomes.append(step())
        except OperationalError as error:
            outcomes.append(error)

    with ExitStack() as computing:
        # The aggregation is held up where it keeps the skills, and an answer it counted is refused.
        computing.enter_context(locked("SELECT 1 FROM workers_skill FOR UPDATE"))
        aggregating = in_thread(partial(run, partial(aggregate.aggregate_due, now=SWEPT)))
        wait_for_a_lock()
        assert at_once([partial(reject, first)]) == [None]
        with locked("SELECT 1 FROM tasks_batch FOR NO KEY UPDATE"):
            # It wants the batch to end with, and so does another refusal.
            computing.close()
            wait_for_a_lock()
            rejecting = in_thread(partial(run, partial(reject, second)))
            wait_for_a_lock(waiters=2)
    aggregating.join()
    rejecting.join()

    assert set(outcomes) == {1, None}
    assert aggregate.aggregate_due(now=SWEPT + HOUR) == 1
    assert Consensus.objects.get().answers == 1
