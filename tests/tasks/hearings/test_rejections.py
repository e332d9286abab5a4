from __future__ import annotations

from functools import partial

import pytest

from payments.models import Transfer
from tasks import aggregate, publish, settle
from tasks.errors import IllegalTransition, InvalidRejection
from tasks.hearings import appeals, rejections
from tasks.hearings.rejections import Refusal
from tasks.invariants import broken
from tasks.models import Assignment, Consensus, Task
from tests.factories import (
    NOON,
    WHY,
    a_worker,
    claim,
    fresh,
    published_batch,
    refuse,
    slots,
    submitted,
)
from tests.payments.books import at_once
from tests.tasks.hearings.hearing import (
    AFTER,
    DAY,
    LATER,
    earned,
    floored_batch,
    money,
    owner,
    pay_all,
    refused,
    rich,
    wallet,
)
from workers.models import Decision, Event

pytestmark = pytest.mark.django_db


# What has to be said.


@pytest.mark.parametrize(
    "said",
    [
        {"code": ""},
        {"code": "too_fast"},
        {"reason": "x" * 39},
        {"reason": " " * 50},
        {"reason": f"{' ' * 20}{'x' * 30}"},
        {"instruction": ""},
        {"instruction": " \n"},
    ],
    ids=str,
)
def test_a_rejection_without_a_code_reasons_and_what_failed_changes_nothing(said):
    batch = published_batch(tasks=1)
    waiting = fresh(submitted(batch))

    with pytest.raises(InvalidRejection):
        refuse(assignment=waiting, actor=owner(batch), now=LATER, **said)

    assert fresh(waiting).status == "submitted"
    assert not Decision.objects.exists()


def test_a_rejection_is_a_decision_of_a_named_human_that_its_worker_can_read():
    batch = published_batch(tasks=1)

    made = refused(batch, reason=f" {WHY} ", code="ignored_instructions")

    decision = made.decision
    assert (decision.kind, decision.made_by, decision.reasons) == ("refuse_pay", owner(batch), WHY)
    assert (decision.subject_kind, decision.subject_id) == ("assignment", made.pk)
    assert decision.concerns == made.assignment.worker.user
    assert decision.evidence == {
        "code": "ignored_instructions",
        "instruction": "Say which animal you see.",
    }
    assert decision.appeal_until == made.appeal_until == LATER + 7 * DAY
    row = fresh(made.assignment)
    assert (row.status, row.decided_by, row.reason) == ("rejected", owner(batch), WHY)
    told = Event.objects.get(kind="assignment_rejected")
    assert (told.actor, told.data["assignment"]) == (owner(batch), made.pk)
    assert broken(now=LATER) == []


@pytest.mark.parametrize("status", ["active", "accepted", "rejected"])
def test_only_an_answer_that_waits_can_be_rejected(status):
    batch = published_batch(tasks=1)
    if status == "active":
        row = claim(batch)
    elif status == "accepted":
        row = fresh(submitted(batch))
        settle.accept(assignment=row, actor=owner(batch), now=LATER)
    else:
        row = refused(batch).assignment

    with pytest.raises(IllegalTransition, match=status):
        refuse(assignment=fresh(row), actor=owner(batch), now=LATER)


def test_the_tasks_consensus_is_computed_anew_without_it():
    batch = published_batch(tasks=1, overlap=3, aggregation="majority_vote")
    first, *_ = [fresh(submitted(batch, label)) for label in ("cat", "dog", "dog")]
    aggregate.aggregate_due(now=LATER)

    refuse(assignment=first, actor=owner(batch), now=LATER)

    assert not Consensus.objects.exists()
    assert list(Assignment.objects.counted().values_list("aggregated_at", flat=True)) == [None] * 2


# Five at once, at most.


def refusals(batch, count):
    waiting = [submitted(batch) for _ in range(count)]
    return [Refusal(each.pk, "wrong_or_empty", WHY, "Name the animal.") for each in waiting]


def test_up_to_five_are_rejected_at_once():
    batch = published_batch(tasks=6)

    made = rejections.reject_some(
        batch=batch, refusals=refusals(batch, 5), actor=owner(batch), now=LATER
    )

    assert [each.status for each in made] == ["open"] * 5
    assert broken(now=LATER) == []


@pytest.mark.parametrize("count", [0, 6])
def test_none_or_more_than_five_at_once_are_refused(count):
    batch = published_batch(tasks=6)

    with pytest.raises(InvalidRejection, match="1 to 5"):
        rejections.reject_some(
            batch=batch, refusals=refusals(batch, count), actor=owner(batch), now=LATER
        )

    assert not Assignment.objects.filter(status="rejected").exists()


def test_one_of_another_batch_refuses_them_all():
    batch, other = published_batch(tasks=1), published_batch(tasks=1)
    said = refusals(batch, 1) + refusals(other, 1)

    with pytest.raises(Assignment.DoesNotExist):
        rejections.reject_some(batch=batch, refusals=said, actor=owner(batch), now=LATER)

    assert not Assignment.objects.filter(status="rejected").exists()


# The money, and the slot.


def test_without_other_money_the_slot_is_withdrawn_until_the_rejection_is_final():
    batch = published_batch(tasks=1)

    made = refused(batch)

    assert (slots(batch), made.reopened, fresh(batch).slot_count) == ([0], False, 0)
    assert money(batch) == (6, 0, 0)
    assert broken(now=LATER) == []

    assert rejections.finish_due(now=AFTER) == 1

    assert (slots(batch), fresh(made).reopened, fresh(batch).slot_count) == ([1], True, 1)
    assert (fresh(made).status, fresh(made).final_at) == ("final", AFTER)
    assert money(batch) == (6, 0, 0)
    assert broken(now=AFTER) == []


def test_with_money_in_the_wallet_somebody_else_is_asked_at_once():
    batch = rich(published_batch(tasks=1), 10)

    made = refused(batch)

    assert (slots(batch), made.reopened) == ([1], True)
    assert (money(batch), wallet(batch)) == ((12, 0, 0), 4)
    assert broken(now=LATER) == []

    rejections.finish_due(now=AFTER)

    assert (slots(batch), money(batch)) == ([1], (6, 6, 0))
    assert broken(now=AFTER) == []


def test_what_is_free_in_the_batch_is_taken_before_the_wallet():
    batch = rich(published_batch(tasks=2, auto_accept_delay=2 * (AFTER - NOON)), 10)
    refused(batch)
    rejections.finish_due(now=AFTER)  # six are free now

    refused(batch, now=AFTER)

    assert (money(batch), wallet(batch)) == ((18, 0, 0), 4)
    assert broken(now=AFTER) == []


def test_an_adaptive_batch_keeps_to_its_budget():
    batch = rich(
        published_batch(
            tasks=1, redundancy="adaptive", overlap=2, overlap_min=2, overlap_max=2, cap_minor=12
        )
    )

    made = refused(batch)

    assert (made.reopened, fresh(batch).budget_minor, slots(batch)) == (False, 12, [1])
    rejections.finish_due(now=AFTER)
    assert (fresh(made).reopened, slots(batch)) == (True, [2])
    assert broken(now=AFTER) == []


def test_in_a_closing_batch_nobody_else_is_asked_and_the_money_comes_back_at_the_end():
    batch = rich(published_batch(tasks=1, overlap=2))
    waiting = fresh(submitted(batch))
    publish.close(batch=batch, actor=owner(batch), now=NOON)
    settle.wind_up(now=NOON)

    refuse(assignment=waiting, actor=owner(batch), now=LATER)
    settle.wind_up(now=LATER)

    assert (slots(batch), Task.objects.get().overlap) == ([0], 0)
    assert (money(batch), fresh(batch).status) == ((6, 6, 0), "closing")
    rejections.finish_due(now=AFTER)
    settle.wind_up(now=AFTER)
    assert (fresh(batch).status, wallet(batch)) == ("closed", 112)
    assert broken(now=AFTER) == []


def test_nobody_else_is_asked_about_a_task_whose_time_is_up():
    batch = rich(published_batch(tasks=1))
    waiting = fresh(submitted(batch))
    Task.objects.filter(batch=batch).update(expires_at=NOON + DAY)

    refuse(assignment=waiting, actor=owner(batch), now=NOON + DAY)
    rejections.finish_due(now=AFTER + DAY)

    assert (slots(batch), money(batch)) == ([0], (0, 6, 0))
    assert broken(now=AFTER + DAY) == []


def test_a_refused_gold_answer_is_asked_of_somebody_else_where_there_is_money():
    batch = rich(published_batch(tasks=1, gold=1, gold_rate=0.5))
    gold = claim(batch, gold=True)
    assert gold.is_gold
    Assignment.objects.filter(pk=gold.pk).update(
        status="submitted", submitted_at=NOON, accept_due_at=NOON + 3 * DAY
    )

    made = refuse(assignment=fresh(gold), actor=owner(batch), now=LATER)

    assert made.reopened
    assert Task.objects.get(pk=gold.task_id).remaining_overlap == 1


# Pay for the time it took: 1200 an hour is one cent for three seconds.


@pytest.mark.parametrize(
    ("reward", "seconds", "reference", "code", "pay"),
    [
        (100, 90, 240, "wrong_or_empty", 30),
        (100, 91, 240, "ignored_instructions", 31),  # rounded up
        (100, 900, 240, "wrong_or_empty", 80),  # time beyond the usual is not counted
        (100, 900, None, "wrong_or_empty", 20),  # the estimate, while nothing was measured
        (25, 240, 240, "wrong_or_empty", 25),  # never more than the reward
        (100, 90, 240, "duplicate", 0),
        (100, 90, 240, "fraud", 0),
        (100, 0, 240, "wrong_or_empty", 0),
    ],
)
def test_honest_work_that_was_refused_is_paid_for_its_time(reward, seconds, reference, code, pay):
    batch = floored_batch(reward=reward, reference=reference)
    unit = batch.unit.minor

    made = refused(batch, seconds=seconds, code=code)

    assert made.effort_minor == pay
    assert rejections.pay_efforts(now=LATER) == bool(pay)
    assert rejections.pay_efforts(now=LATER) == 0
    assert earned(made.assignment.worker) == pay
    assert fresh(made.assignment).effort_minor == pay
    assert money(batch) == (unit - pay, 0, pay)
    assert broken(now=LATER) == []
    rejections.finish_due(now=AFTER)
    # With less than a slot costs nobody else is asked.
    assert money(batch) == ((0, unit - pay, pay) if pay else (unit, 0, 0))
    assert broken(now=AFTER) == []


def test_without_a_floor_nothing_is_owed_for_refused_work():
    made = refused(published_batch(tasks=1), seconds=90)

    assert made.effort_minor == 0


def test_what_is_owed_for_the_time_stays_held_also_when_the_rejection_is_final():
    batch = floored_batch(reference=240)
    made = refused(batch, seconds=90)

    rejections.finish_due(now=AFTER)

    assert money(batch) == (30, 90, 0)
    assert broken(now=AFTER) == []
    rejections.pay_efforts(now=AFTER)
    assert (money(batch), earned(made.assignment.worker)) == ((0, 90, 30), 30)
    assert broken(now=AFTER) == []


@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_pay_each_effort_once_and_end_each_rejection_once():
    batch = floored_batch(tasks=4, reference=240)
    made = [refused(batch, seconds=90) for _ in range(4)]

    paid = at_once([partial(rejections.pay_efforts, now=LATER)] * 8)
    ended = at_once([partial(rejections.finish_due, now=AFTER)] * 8)

    assert (sum(paid), sum(ended)) == (4, 4)
    assert Transfer.objects.filter(kind="effort").count() == len(made)
    assert broken(now=AFTER) == []


# The window.


def test_a_rejection_is_open_until_the_last_instant_of_its_week():
    made = refused(published_batch(tasks=1))

    assert rejections.finish_due(now=made.appeal_until - DAY / 10**6) == 0
    assert rejections.finish_due(now=made.appeal_until) == 1
    assert rejections.finish_due(now=made.appeal_until) == 0

    assert Event.objects.filter(kind="rejection_final").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_an_appeal_and_the_end_of_the_window_one_wins():
    batch = published_batch(tasks=4)
    made = [refused(batch) for _ in range(4)]
    last = made[0].appeal_until - DAY / 10**6

    outcomes = at_once(
        [partial(rejections.finish_due, now=AFTER)] * 2
        + [partial(appeals.appeal, rejection=fresh(each), message="", now=last) for each in made]
    )

    ended = sum(each for each in outcomes[:2])
    heard = [each for each in outcomes[2:] if not isinstance(each, Exception)]
    assert ended + len(heard) == 4
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_accepting_and_rejecting_many_at_once_never_deadlock():
    batch = rich(published_batch(tasks=3, overlap=8, max_live_assignments=8))
    workers = [a_worker() for _ in range(8)]
    waiting = [fresh(submitted(batch, worker=worker)) for worker in workers for _ in range(3)]
    accept = partial(settle.accept_all, batch=batch, actor=owner(batch), now=LATER)
    ids = [each.pk for each in waiting]

    outcomes = at_once(
        [partial(accept, assignment_ids=ids[start::2]) for start in (0, 1, 0)]
        + [
            partial(refuse, assignment=each, actor=owner(batch), now=LATER)
            for each in reversed(waiting[:5])
        ]
    )

    refusals_ = [each for each in outcomes if isinstance(each, Exception)]
    assert all(isinstance(each, IllegalTransition) for each in refusals_), outcomes
    pay_all()
    assert broken(now=LATER) == []
