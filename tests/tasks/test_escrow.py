"""A batch's money: what slots hold, and what is given back."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from payments.deposits import deposit
from payments.errors import InsufficientFunds, NotHeld
from payments.models import Transfer
from payments.money import Money
from tasks import escrow
from tasks.models import Batch, Task
from tests.factories import (
    HOUR,
    NOON,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    rows,
    slots,
    usd,
)
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db


def a_plan(**fields):
    """A batch that is only calculated with."""
    return Batch(**{"reward_minor": 5, "fee_minor": 1, "currency": "USD", **fields})


@pytest.mark.parametrize(
    ("slot_count", "gold_count", "rate", "slots_of_gold", "overlap"),
    [
        (95, 10, 0.05, 5, 1),
        (100, 10, 0.05, 5, 1),
        (950, 10, 0.05, 50, 5),
        (10, 3, 0.5, 10, 4),
        (9, 1, 0.05, 0, 0),
        (10, 1, 0.05, 1, 1),
        (10, 0, 0.5, 0, 0),
        (10, 4, 0.0, 0, 0),
        (0, 4, 0.5, 0, 0),
    ],
)
def test_gold_slots_go_with_ordinary_ones(slot_count, gold_count, rate, slots_of_gold, overlap):
    batch = a_plan(slot_count=slot_count, gold_count=gold_count, gold_rate=rate)

    assert escrow.gold_slots(batch, slot_count) == slots_of_gold
    assert escrow.gold_overlap(batch) == overlap
    assert escrow.cost(batch) == usd(6 * (slot_count + overlap * gold_count))


@given(
    slot_count=st.integers(0, 10**7),
    gold_count=st.integers(1, 10**4),
    rate=st.floats(0, 0.5),
)
def test_golds_share_of_all_answers_is_the_rate_but_for_rounding(slot_count, gold_count, rate):
    batch = a_plan(slot_count=slot_count, gold_count=gold_count, gold_rate=rate)

    gold = escrow.gold_overlap(batch) * gold_count

    exact = slot_count * rate / (1 - rate)
    assert exact - 0.5 - 1e-6 <= gold < exact + 0.5 + gold_count + 1e-6


def test_money_for_slots_is_moved_and_held():
    batch = published_batch(tasks=1)
    deposit(owner_id=batch.project.requester_id, amount=usd(20), reference="more", now=NOON)

    escrow.fund(batch, 3, now=NOON)

    assert (fresh(batch).budget_minor, batch.budget_minor) == (24, 24)
    assert (fresh(batch).escrow.balance, fresh(batch).reserved) == (usd(24), 24)
    moved = Transfer.objects.get(key=f"allocate:{batch.pk}:24")
    assert (moved.kind, moved.amount) == ("allocate", usd(18))


def test_no_slots_move_no_money():
    batch = published_batch(tasks=1)

    escrow.fund(batch, 0, now=NOON)

    assert Transfer.objects.filter(kind="allocate").count() == 1


def test_money_that_is_not_there_is_not_moved():
    batch = published_batch(tasks=1)

    with pytest.raises(InsufficientFunds) as refused, transaction.atomic():
        escrow.fund(batch, 2, now=NOON)

    assert refused.value.missing == usd(12)
    assert fresh(batch).budget_minor == 6


def test_releasing_lets_go_of_whole_answers():
    batch = published_batch(tasks=3, reward=Money(500, "JPY"), fee_basis_points=1000)

    escrow.release(batch, 2)

    account = fresh(batch).escrow
    assert (account.held_minor, account.balance_minor) == (550, 1650)


def test_releasing_nothing_changes_nothing():
    batch = published_batch(tasks=1)

    escrow.release(batch, 0)

    assert fresh(batch).reserved == 6


def test_no_more_is_released_than_is_held():
    batch = published_batch(tasks=1)

    with pytest.raises(NotHeld):
        escrow.release(batch, 2)

    assert fresh(batch).reserved == 6


def test_withdrawing_keeps_what_was_claimed():
    batch = published_batch(tasks=2, overlap=3)
    claim(batch)

    assert escrow.withdraw(batch, now=NOON, limit=10) == 2

    wanted = Task.objects.filter(batch=batch).order_by("pk").values_list("overlap", flat=True)
    assert list(wanted) == [1, 0]
    assert slots(batch) == [0, 0]
    assert fresh(batch).reserved == 6


def test_withdrawing_again_changes_nothing():
    batch = published_batch(tasks=2)
    escrow.withdraw(batch, now=NOON, limit=10)

    assert escrow.withdraw(batch, now=NOON, limit=10) == 0
    assert fresh(batch).reserved == 0


def test_only_so_many_tasks_are_withdrawn_lowest_ids_first():
    batch = published_batch(tasks=3, overlap=2)

    assert escrow.withdraw(batch, now=NOON, limit=2) == 2

    assert slots(batch) == [0, 0, 2]
    assert fresh(batch).reserved == 12


def test_only_expired_tasks_are_withdrawn_if_so_asked():
    batch = published_batch(
        tasks=[*rows(1, expires_at=NOON), *rows(1, expires_at=NOON + HOUR), *rows(1)]
    )

    assert escrow.withdraw(batch, now=NOON, limit=10, only_expired=True) == 1

    assert slots(batch) == [0, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_locked_keeps_its_slots_and_its_money():
    batch = published_batch(tasks=2)
    task = Task.objects.filter(batch=batch).first()

    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", task.pk):
        assert escrow.withdraw(batch, now=NOON, limit=10) == 1

    assert slots(batch) == [1, 0]
    assert fresh(batch).reserved == 6


def test_raising_gold_says_how_many_slots_it_opened():
    batch = drafted_batch(tasks=6, gold=2, gold_rate=0.5)

    assert escrow.raise_gold(batch) == 6
    assert escrow.raise_gold(batch) == 0

    assert slots(batch) == [1] * 6 + [3, 3]


def test_a_draft_has_spent_and_reserved_nothing():
    batch = drafted_batch(tasks=1)

    assert (batch.spent, batch.reserved) == (0, 0)


def test_batches_are_found_by_whose_and_how_far_they_are():
    draft, opened, closing = drafted_batch(tasks=1), published_batch(tasks=1), published_batch()
    Batch.objects.filter(pk=closing.pk).update(status="closing")
    every = Batch.objects.all()

    assert set(every.of(draft.project.requester_id)) == {draft}
    assert set(every.published()) == set(every.live()) == {opened, closing}
    assert (opened.reopens, fresh(closing).reopens) == (True, False)


def test_slots_taken_back_from_named_tasks_release_what_they_held():
    batch = published_batch(tasks=3, overlap=2)
    named = Task.objects.filter(batch=batch).order_by("pk")[:2]
    held = fresh(batch).reserved

    with transaction.atomic():
        withdrawn = escrow.withdraw_from(fresh(batch), [task.pk for task in named])

    assert withdrawn == 4
    assert fresh(batch).reserved == held - 4 * 6
    assert [task.overlap for task in Task.objects.filter(batch=batch).order_by("pk")] == [0, 0, 2]
