from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from payments import accounts, audit, ledger
from payments.deposits import deposit
from payments.errors import InsufficientFunds, InvalidAmount, KeyReused, RequesterFrozen
from payments.models import Dispute, Funding, Incident, Transfer
from payments.money import Money
from tasks import publish, settle
from tasks.errors import IllegalTransition, ReasonMissing
from tasks.hearings import rejections
from tasks.invariants import broken
from tasks.models import Assignment
from tests.factories import (
    HOUR,
    NOON,
    a_worker,
    accepted,
    fresh,
    published_batch,
    refuse,
    rejected,
    slots,
    submitted,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.settling import (
    LATER,
    an_assignment_that_is,
    earned,
    events,
    owner,
    reject,
    transfers,
)

pytestmark = pytest.mark.django_db


# Paying.


def test_an_accepted_answer_is_one_reward_and_one_fee():
    batch = published_batch(tasks=1, reward=usd(10), fee_basis_points=2000)
    done = accepted(batch)

    assert settle.pay_accepted(now=LATER) == 1

    escrow, worker = fresh(batch).escrow_id, done.worker
    assert transfers("reward", "fee") == [
        (f"fee:{done.pk}", escrow, accounts.fees("USD").pk, 2),
        (f"reward:{done.pk}", escrow, accounts.earnings_of(worker.user_id, "USD").pk, 10),
    ]
    assert fresh(done).paid_at == LATER
    assert (fresh(batch).spent, fresh(batch).reserved) == (12, 0)
    assert audit.imbalances() == []


def test_without_a_fee_there_is_no_transfer_of_one():
    batch = published_batch(tasks=1, fee_basis_points=0)
    accepted(batch)

    settle.pay_accepted(now=LATER)

    assert [key.partition(":")[0] for key, *_ in transfers("reward", "fee")] == ["reward"]
    assert broken(now=NOON) == []


def test_paying_again_pays_nothing():
    batch = published_batch(tasks=1)
    done = accepted(batch)
    settle.pay_accepted(now=LATER)

    assert settle.pay_accepted(now=LATER + HOUR) == 0

    assert earned(done.worker) == usd(5)
    assert fresh(done).paid_at == LATER


def test_a_run_pays_a_few_at_a_time_oldest_first():
    batch = published_batch(tasks=3)
    done = [accepted(batch) for _ in range(3)]

    assert settle.pay_accepted(now=LATER, limit=2) == 2

    assert [fresh(each).paid_at for each in done] == [LATER, LATER, None]


def test_one_run_pays_many_workers_of_many_batches_in_many_currencies():
    dollars, yen = published_batch(tasks=2), published_batch(tasks=1, reward=Money(500, "JPY"))
    worker = a_worker()
    for batch in dollars, yen:
        accepted(batch, worker=worker)
    other = accepted(dollars).worker

    assert settle.pay_accepted(now=LATER) == 3

    assert (earned(worker), earned(worker, "JPY"), earned(other)) == (
        usd(5),
        Money(500, "JPY"),
        usd(5),
    )
    assert broken(now=NOON) == []
    assert audit.imbalances() == []


def test_with_nothing_to_pay_nothing_happens():
    submitted(published_batch(tasks=1))

    assert settle.pay_accepted(now=LATER) == 0
    assert transfers("reward", "fee") == []


@pytest.mark.parametrize("many", [1, 12])
def test_a_payment_costs_the_same_queries_for_one_as_for_many(many, django_assert_num_queries):
    batch, worker = published_batch(tasks=13), a_worker()
    accepted(batch, worker=worker)
    settle.pay_accepted(now=LATER)  # opens the accounts
    for _ in range(many):
        accepted(batch, worker=worker)

    # Savepoint, lock the answers, find earnings and fees, lock the accounts, read the fees,
    # post, move, mark, release.
    with django_assert_num_queries(10):
        assert settle.pay_accepted(now=LATER) == many


def test_one_batch_whose_books_are_wrong_stops_no_other(caplog):
    broke, fine = published_batch(tasks=2), published_batch(tasks=1)
    lost = [accepted(broke), accepted(broke)]
    done = accepted(fine)
    ledger.release(fresh(broke).escrow_id, usd(12))

    assert settle.pay_accepted(now=LATER, limit=2) == 1
    assert settle.pay_accepted(now=LATER, limit=2) == 0

    assert earned(done.worker) == usd(5)
    assert [fresh(each).paid_at for each in (done, *lost)] == [LATER, None, None]
    told = Incident.objects.get()
    assert (told.kind, told.details["batch"]) == ("unpaid", broke.pk)
    assert f"rewards of batch {broke.pk} cannot be paid" in caplog.text


# Bonuses.


def pay_bonus(assignment, amount=None, *, key="first", reason="Quick and right.", now=LATER):
    return settle.bonus(
        assignment=assignment,
        amount=amount or usd(7),
        reason=reason,
        key=key,
        actor=owner(assignment.batch),
        now=now,
    )


def rich(batch, cents=100):
    deposit(owner_id=owner(batch).pk, amount=usd(cents), reference="for bonuses", now=NOON)
    return batch


def test_a_bonus_goes_from_the_wallet_to_the_worker_without_a_fee():
    batch = rich(published_batch(tasks=1))
    waiting = fresh(submitted(batch))

    made = pay_bonus(waiting)

    assert (made.key, made.kind, made.amount) == (f"bonus:{waiting.pk}:first", "bonus", usd(7))
    assert earned(waiting.worker) == usd(7)
    assert accounts.wallet_of(owner(batch).pk, "USD").balance == usd(93)
    assert fresh(batch).reserved == 6
    told = {"assignment": waiting.pk, "amount_minor": 7, "reason": "Quick and right."}
    assert events("bonus_paid") == [(batch.pk, owner(batch).pk, LATER, told)]
    assert broken(now=NOON) == []


def test_who_has_a_disputed_payment_pays_no_new_bonus():
    batch = rich(published_batch(tasks=1))
    done = accepted(batch)
    before = pay_bonus(done)
    funding = Funding.objects.create(
        owner=owner(batch), amount_minor=500, currency="USD", created_at=NOON
    )
    Dispute.objects.create(funding=funding, dispute_id="dp_1", amount_minor=500, opened_at=NOON)

    with pytest.raises(RequesterFrozen):
        pay_bonus(done, key="second")

    assert pay_bonus(done) == before
    assert earned(done.worker) == usd(7)


def test_a_bonus_is_paid_once_per_key():
    batch = rich(published_batch(tasks=1))
    done = accepted(batch)

    first, again, second = (pay_bonus(done, key=key) for key in ("first", "first", "second"))

    assert first == again != second
    assert earned(done.worker) == usd(14)
    assert len(events("bonus_paid")) == 2


def test_a_key_cannot_be_used_for_another_amount():
    batch = rich(published_batch(tasks=1))
    done = accepted(batch)
    pay_bonus(done)

    with pytest.raises(KeyReused):
        pay_bonus(done, usd(8))

    assert earned(done.worker) == usd(7)
    assert len(events("bonus_paid")) == 1


def test_the_same_key_serves_different_assignments():
    batch = rich(published_batch(tasks=2))
    one, other = accepted(batch), accepted(batch)

    pay_bonus(one)
    pay_bonus(other)

    assert (earned(one.worker), earned(other.worker)) == (usd(7), usd(7))


@pytest.mark.parametrize("ending", ["rejected", "paid", "closed"])
def test_a_bonus_may_come_whatever_became_of_the_answer(ending):
    batch = rich(published_batch(tasks=1))
    if ending == "rejected":
        done = rejected(batch)
    else:
        done = accepted(batch)
        settle.pay_accepted(now=LATER)
        if ending == "closed":
            Assignment.objects.update(aggregated_at=LATER)
            assert settle.wind_up(now=LATER) == 1

    pay_bonus(fresh(done))

    assert earned(done.worker) == usd(7 + 5 * (ending != "rejected"))


@pytest.mark.parametrize("status", ["active", "skipped", "expired"])
def test_nobody_earns_a_bonus_for_what_they_did_not_answer(status):
    batch = rich(published_batch(tasks=1))
    assignment = an_assignment_that_is(status, batch)

    with pytest.raises(IllegalTransition, match="Only a submitted assignment"):
        pay_bonus(assignment)

    assert transfers("bonus") == []


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"reason": " "}, ReasonMissing),
        ({"amount": usd(101)}, InsufficientFunds),
        ({"amount": Money(5, "EUR")}, InsufficientFunds),
        ({"amount": usd(-5)}, InvalidAmount),
    ],
    ids=["no reason", "too much", "no euros", "negative"],
)
def test_a_bonus_that_cannot_be_is_refused_and_leaves_no_trace(how, error):
    batch = rich(published_batch(tasks=1))
    done = accepted(batch)

    with pytest.raises(error):
        pay_bonus(done, **how)

    assert transfers("bonus") == []
    assert events("bonus_paid") == []
    assert accounts.wallet_of(owner(batch).pk, "USD").balance == usd(100)


# At once.


@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_pay_each_answer_once():
    batches = [published_batch(tasks=10) for _ in range(2)]
    worker = a_worker()
    for batch in batches:
        for _ in range(5):
            accepted(batch, worker=worker)
            accepted(batch)

    paid = at_once([partial(settle.pay_accepted, now=LATER, limit=7)] * 8)

    assert sum(paid) == 20
    assert earned(worker) == usd(50)
    assert Transfer.objects.filter(kind="reward").count() == 20
    assert Transfer.objects.filter(kind="fee").count() == 20
    assert broken(now=LATER) == []
    assert audit.imbalances() == []


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_who_accept_and_sixteen_who_reject_at_once_one_wins():
    batch = published_batch(tasks=1, overlap=2)
    waiting = fresh(submitted(batch))
    actor = owner(batch)
    accepting = partial(settle.accept, actor=actor, now=LATER)
    rejecting = partial(refuse, actor=actor, now=LATER)

    outcomes = at_once(
        [lambda: accepting(assignment=fresh(waiting))] * 16
        + [lambda: rejecting(assignment=fresh(waiting))] * 16
    )
    settle.pay_accepted(now=LATER)

    assert sum(isinstance(outcome, IllegalTransition) for outcome in outcomes) == 31
    won = fresh(waiting).status
    assert slots(batch) == [1]  # there is no money for a replacement until it is final
    assert Transfer.objects.filter(kind="reward").count() == (won == "accepted")
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_all_answers_to_one_task_may_be_rejected_at_once_and_five_of_them_alone():
    batch = rich(published_batch(tasks=1, overlap=8))
    waiting = [fresh(submitted(batch)) for _ in range(8)]

    made = at_once([partial(reject, fresh(each)) for each in waiting])

    assert sorted(each.status for each in made) == ["open"] * 5 + ["waiting"] * 3
    assert slots(batch) == [5]
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_deciding_closing_and_paying_at_once_lose_no_money():
    batch = published_batch(tasks=4, overlap=4, max_live_assignments=8)
    waiting = [submitted(batch).pk for _ in range(12)]
    actor = owner(batch)
    publish.close(batch=batch, actor=actor, now=NOON)

    def decide(number):
        assignment = Assignment.objects.get(pk=waiting[number])
        verb = refuse if number % 3 else settle.accept
        verb(assignment=assignment, actor=actor, now=LATER)

    outcomes = at_once(
        [
            *[partial(decide, number) for number in range(12)],
            *[partial(settle.pay_accepted, now=LATER)] * 3,
            *[partial(settle.wind_up, now=LATER)] * 2,
        ]
    )

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    weeks_later = LATER + timedelta(days=14)
    settle.accept_due(now=weeks_later)  # three rejections that no human has confirmed
    rejections.finish_due(now=weeks_later)
    settle.pay_accepted(now=weeks_later)
    settle.wind_up(now=weeks_later)
    batch = fresh(batch)
    assert (batch.status, batch.spent, batch.refunded_minor) == ("closed", 7 * 6, 9 * 6)
    assert broken(now=weeks_later) == []


@pytest.mark.django_db(transaction=True)
def test_a_bonus_asked_for_by_sixteen_at_once_is_paid_once():
    batch = rich(published_batch(tasks=1))
    done = accepted(batch)

    at_once([partial(pay_bonus, fresh(done))] * 16)

    assert earned(done.worker) == usd(7)
    assert len(events("bonus_paid")) == 1
