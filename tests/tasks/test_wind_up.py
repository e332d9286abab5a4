"""How a batch ends: everything honoured and paid, and the rest given back."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction

from payments import accounts, ledger
from payments.deposits import deposit
from payments.models import Account, Transfer
from tasks import answer, distribute, publish, settle
from tasks.hearings import rejections
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Task
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    accepted,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    refuse,
    rejected,
    rows,
    slots,
    submitted,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from workers.models import Event

pytestmark = pytest.mark.django_db

LATER = NOON + HOUR
AFTER = LATER + 8 * 24 * HOUR  # whatever was rejected is final


def wind_up(**limits):
    """One run of the job, after the answers were combined."""
    Assignment.objects.counted().filter(aggregated_at=None).update(aggregated_at=LATER)
    return settle.wind_up(now=LATER, **limits)


def close(batch):
    publish.close(batch=fresh(batch), actor=batch.project.requester, now=NOON)


def pay():
    return settle.pay_accepted(now=LATER)


def wallet(batch):
    return accounts.wallet_of(batch.project.requester_id, "USD").balance


def end_of(batch):
    batch = fresh(batch)
    return batch.status, batch.spent, batch.refunded_minor, batch.reserved


def test_a_batch_that_is_answered_decided_and_paid_closes_by_itself():
    batch = published_batch(tasks=2)
    for _ in range(2):
        accepted(batch)
    pay()

    assert wind_up() == 1

    assert end_of(batch) == ("closed", 12, 0, 0)
    assert fresh(batch).closed_at == LATER
    assert Account.objects.get(pk=batch.escrow_id).closed_at == LATER
    assert not Transfer.objects.filter(kind="refund").exists()
    assert broken(now=LATER) == []


def test_a_paused_batch_that_is_finished_closes_as_well():
    batch = published_batch(tasks=1)
    accepted(batch)
    pay()
    publish.pause(batch=batch, actor=batch.project.requester, now=NOON)

    assert wind_up() == 1
    assert end_of(batch)[0] == "closed"


@pytest.mark.parametrize("what", ["open", "live", "live gold", "waiting", "unpaid"])
def test_a_batch_does_not_close_by_itself_while_something_is(what):
    batch = published_batch(tasks=2, gold=1, gold_rate=0.5)
    if what == "live gold":
        assert claim(batch, gold=True).is_gold
        accepted(batch)
    elif what == "live":
        claim(batch)
    elif what == "waiting":
        submitted(batch)
    accepted(batch)
    pay()
    if what == "unpaid":
        accepted(batch)

    assert wind_up() == 0
    assert fresh(batch).status == Batch.Status.OPEN


def test_gold_slots_left_over_do_not_keep_a_batch_open():
    batch = published_batch(tasks=2, gold=2, gold_rate=0.5)
    for _ in range(2):
        accepted(batch)
    pay()

    assert wind_up() == 1

    assert end_of(batch) == ("closed", 12, 12, 0)
    assert slots(batch) == [0, 0, 0, 0]
    assert wallet(batch) == usd(12)
    assert broken(now=LATER) == []


def test_a_batch_whose_tasks_all_ran_out_of_time_closes_and_refunds_everything():
    batch = published_batch(tasks=rows(3, expires_at=LATER))
    distribute.expire_tasks(now=LATER)

    assert wind_up() == 1

    assert end_of(batch) == ("closed", 0, 18, 0)
    assert wallet(batch) == usd(18)


def test_a_rejected_answer_keeps_the_batch_open_until_somebody_else_answers():
    batch = published_batch(tasks=1)
    rejected(batch)
    rejections.finish_due(now=AFTER)
    assert wind_up() == 0

    accepted(batch)
    pay()

    assert wind_up() == 1
    assert end_of(batch) == ("closed", 6, 0, 0)


def test_drafts_and_closed_batches_are_left_alone():
    draft, batch = drafted_batch(tasks=0), published_batch(tasks=1)
    close(batch)
    wind_up()

    assert wind_up() == 0

    assert fresh(draft).status == Batch.Status.DRAFT
    assert Event.objects.filter(kind="batch_closed").count() == 1


def test_closing_withdraws_what_nobody_has_claimed_and_refunds_it():
    batch = published_batch(tasks=3, overlap=2)
    close(batch)

    assert wind_up() == 1

    assert end_of(batch) == ("closed", 0, 36, 0)
    assert slots(batch) == [0, 0, 0]
    assert wallet(batch) == usd(36)
    refund = Transfer.objects.get(kind="refund")
    assert (refund.key, refund.amount_minor) == (f"refund:{batch.pk}", 36)
    told = Event.objects.get(kind="batch_closed")
    assert (told.subject_id, told.actor, told.at) == (batch.pk, None, LATER)
    assert told.data == {"refund_minor": 36}
    assert broken(now=LATER) == []


def test_closing_honours_what_is_live_waiting_and_owed():
    batch = published_batch(tasks=4)
    live, waiting = claim(batch), submitted(batch)
    accepted(batch)
    close(batch)

    assert wind_up() == 0
    assert end_of(batch) == ("closing", 0, 0, 18)
    assert slots(batch) == [0, 0, 0, 0]

    answer.submit(assignment_id=live.pk, worker=live.worker, answer="cat", now=NOON)
    settle.accept_all(batch=batch, assignment_ids=None, actor=batch.project.requester, now=LATER)
    assert wind_up() == 0
    assert pay() == 3
    assert wind_up() == 1
    assert end_of(batch) == ("closed", 18, 6, 0)
    assert {fresh(each).status for each in (live, waiting)} == {"accepted"}
    assert broken(now=LATER) == []


def test_what_is_given_back_while_closing_is_refunded():
    batch = published_batch(tasks=3)
    skipped, refused, overdue = claim(batch), submitted(batch), claim(batch)
    close(batch)
    wind_up()

    answer.skip(assignment=fresh(skipped), now=NOON)
    refuse(assignment=fresh(refused), actor=batch.project.requester, now=NOON)
    distribute.expire_overdue(now=LATER)

    assert fresh(overdue).status == "expired"
    assert wind_up() == 0
    rejections.finish_due(now=AFTER)
    assert wind_up() == 1
    assert end_of(batch) == ("closed", 0, 18, 0)
    assert broken(now=LATER) == []


def test_a_large_batch_is_withdrawn_a_few_tasks_at_a_time():
    batch = published_batch(tasks=5)
    close(batch)

    assert [wind_up(limit=2) for _ in range(3)] == [0, 0, 1]
    assert wallet(batch) == usd(30)


def test_money_that_was_released_before_comes_back_at_the_end():
    batch = published_batch(tasks=[*rows(1, expires_at=NOON), *rows(1)])
    distribute.expire_tasks(now=NOON)
    accepted(batch)
    pay()

    assert wind_up() == 1

    assert end_of(batch) == ("closed", 6, 6, 0)


def test_spent_and_reserved_never_exceed_the_budget():
    batch = published_batch(tasks=3, overlap=2, gold=1, gold_rate=0.5)
    steps = [
        lambda: accepted(batch),
        pay,
        lambda: rejected(batch),
        lambda: claim(batch, gold=True),
        lambda: accepted(batch),
        pay,
        lambda: close(batch),
        wind_up,
        lambda: distribute.expire_overdue(now=LATER),
        wind_up,
        lambda: rejections.finish_due(now=AFTER),
        wind_up,
    ]

    for step in steps:
        step()
        now = fresh(batch)
        assert now.spent + now.reserved <= now.budget_minor
    assert fresh(batch).spent + fresh(batch).refunded_minor == batch.budget_minor == 72


def test_one_requesters_batches_end_each_for_itself():
    requester = a_requester(funds=usd(100))
    project = a_project(requester=requester)
    ending, running = (published_batch(tasks=2, project=project) for _ in range(2))
    close(ending)

    assert wind_up() == 1

    assert (fresh(ending).status, fresh(running).status) == ("closed", "open")
    assert accounts.wallet_of(requester.pk, "USD").balance == usd(88)


def test_a_batch_that_grew_is_refunded_what_the_growth_did_not_need():
    batch = published_batch(tasks=1)
    deposit(owner_id=batch.project.requester_id, amount=usd(12), reference="more", now=NOON)
    add_tasks(batch, rows(2))
    accepted(batch)
    pay()
    close(batch)

    wind_up()

    assert end_of(batch) == ("closed", 6, 12, 0)
    assert wallet(batch) == usd(12)


@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_refund_once():
    batches = [published_batch(tasks=2) for _ in range(3)]
    for batch in batches:
        close(batch)

    closed = at_once([partial(settle.wind_up, now=LATER)] * 8)

    assert sum(closed) == 3
    assert [wallet(batch) for batch in batches] == [usd(12)] * 3
    assert Event.objects.filter(kind="batch_closed").count() == 3
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_somebody_has_in_hand_is_left_for_the_next_run():
    batch = published_batch(tasks=1)
    close(batch)

    with locked("SELECT 1 FROM tasks_batch WHERE id = %s FOR NO KEY UPDATE", batch.pk):
        assert wind_up() == 0
    assert wind_up() == 1


@pytest.mark.django_db(transaction=True)
def test_a_task_that_a_claim_has_in_hand_is_left_for_the_next_run():
    batch = published_batch(tasks=2)
    close(batch)
    task = Task.objects.filter(batch=batch).first()

    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", task.pk):
        assert wind_up() == 0
        assert end_of(batch) == ("closing", 0, 0, 6)

    assert wind_up() == 1
    assert Assignment.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_batch_whose_slot_comes_back_at_the_last_moment_stays_open():
    first, last = published_batch(tasks=1), published_batch(tasks=1)
    close(first)
    refusal = {
        "assignment": fresh(submitted(last)),
        "actor": last.project.requester,
        "now": LATER,
    }

    with transaction.atomic():
        # The run waits here with its list of batches that may be ending.
        Account.objects.select_for_update().get(owner=first.project.requester, purpose="wallet")
        running = in_thread(wind_up)
        wait_for_a_lock()
        [made] = at_once([partial(refuse, **refusal)])
        assert made.status == "open"
    running.join()

    assert (fresh(first).status, fresh(last).status) == ("closed", "open")


def test_a_batch_whose_books_are_wrong_keeps_no_other_from_its_end(caplog):
    broke, fine = published_batch(tasks=1), published_batch(tasks=1)
    ledger.release(fresh(broke).escrow_id, usd(6))
    for batch in broke, fine:
        close(batch)

    assert wind_up() == 1

    assert (fresh(broke).status, fresh(fine).status) == ("closing", "closed")
    assert f"the end of batch {broke.pk}" in caplog.text


def test_after_ninety_days_a_batch_begins_to_close_whatever_it_waits_for():
    old, held_up = published_batch(tasks=1), published_batch(tasks=1)
    publish.pause(batch=held_up, actor=held_up.project.requester, now=NOON)
    end = NOON + settle.MONEY_KEPT

    assert settle.close_old(now=end - HOUR) == 0
    assert settle.close_old(now=end) == 2
    assert settle.close_old(now=end) == 0

    assert (fresh(old).status, fresh(held_up).status) == ("closing", "closing")
    assert Event.objects.filter(kind="batch_closing", actor=None).count() == 2
