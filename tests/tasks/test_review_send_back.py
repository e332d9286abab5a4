"""Tasks that a reviewer sends back: more answers are asked for, and paid for."""

from __future__ import annotations

import pytest

from payments.errors import InsufficientFunds
from tasks.errors import BudgetTooSmall, IllegalTransition
from tasks.invariants import broken
from tasks.models import Batch, Review, Task
from tasks.reviews import review
from tests.factories import NOON, a_worker, fresh, slots
from tests.tasks.reviewing import (
    LATER,
    a_review,
    combine,
    disputed,
    funded,
    owner,
    say,
    waiting,
)

pytestmark = pytest.mark.django_db
Status = Review.Status


def accept(row, **how):
    review.accept(review=row, reviewer=owner(row.batch), now=LATER, **how)


def fix(row, value, **how):
    review.fix(review=row, value=value, reviewer=owner(row.batch), now=LATER, **how)


def send_back(row, answers=1, **how):
    review.send_back(review=row, answers=answers, reviewer=owner(row.batch), now=LATER, **how)


# Sent back.


def test_a_task_of_a_fixed_batch_is_sent_back_for_money_from_the_wallet():
    row = a_review()
    funded(row.batch, 100)
    before = fresh(row.batch).budget_minor

    send_back(row, answers=3, note="Unsure.")

    assert slots(row.batch) == [3]
    assert fresh(row.batch).budget_minor == before + 3 * 6
    assert (fresh(row).status, fresh(row).note, fresh(row).value) == ("sent_back", "Unsure.", None)
    assert broken(now=NOON) == []


@pytest.mark.parametrize("gold", [1, 3])
def test_gold_follows_the_answers_that_are_sent_for(gold):
    row = a_review(gold=gold, gold_rate=0.5)
    funded(row.batch, 1_000)

    send_back(row, answers=4)

    assert slots(row.batch)[0] == 4
    assert broken(now=NOON) == []


def test_a_wallet_that_is_empty_sends_nothing_back():
    row = a_review()

    with pytest.raises(InsufficientFunds):
        send_back(row)

    assert (fresh(row).status, slots(row.batch)) == ("waiting", [0])
    assert broken(now=NOON) == []


def test_an_adaptive_batch_sends_back_what_its_escrow_can_pay():
    batch = disputed(overlap=4)  # two of four paid answers are left
    review.queue_due(now=NOON)
    [row] = waiting(batch)

    with pytest.raises(BudgetTooSmall):
        send_back(row, answers=3)
    assert (fresh(row).status, slots(batch)) == ("waiting", [0])

    send_back(row, answers=2)
    assert slots(batch) == [2]
    assert broken(now=NOON) == []


def test_what_was_sent_back_comes_up_again_with_its_new_answers():
    row = a_review()
    funded(row.batch, 6)
    send_back(row)
    assert review.queue_due(now=LATER) == 0

    say(row.batch, a_worker(), "dog", now=LATER)
    assert review.queue_due(now=LATER) == 0  # not combined yet
    combine(row.batch, LATER)

    assert [review.queue_due(now=LATER) for _ in range(2)] == [1, 0]
    [again] = waiting(row.batch)
    assert (again.task_id, again.proposal) == (row.task_id, {"label": "dog"})
    assert again.confidence == pytest.approx(2 / 3)


def test_a_batch_that_is_closing_takes_nothing_back():
    row = a_review()
    funded(row.batch, 6)
    Batch.objects.update(status="closing")

    with pytest.raises(IllegalTransition, match="closing"):
        send_back(row)

    assert fresh(row).status == "waiting"


def test_an_expired_task_takes_nothing_back():
    row = a_review()
    funded(row.batch, 6)
    Task.objects.update(expires_at=NOON)

    with pytest.raises(IllegalTransition, match="expired"):
        send_back(row)

    assert fresh(row).status == "waiting"
