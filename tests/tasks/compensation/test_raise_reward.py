"""A higher reward: for whom, what it costs at once, and what cannot be."""

from __future__ import annotations

import pytest

from payments.errors import CurrencyMismatch, InsufficientFunds
from payments.money import Money
from tasks import publish, settle
from tasks.compensation import topups as verbs
from tasks.compensation import wage
from tasks.errors import BudgetTooSmall, IllegalTransition, InvalidPolicy
from tasks.models import Assignment
from tests.factories import (
    NOON,
    accepted,
    claim,
    drafted_batch,
    floor,
    fresh,
    published_batch,
    rejected,
    submitted,
    usd,
)
from tests.tasks.compensation.paying import (
    EVEN_LATER,
    LATER,
    accept_and_pay,
    crowd,
    earned,
    fair,
    give,
    nothing_is_broken,
    owner,
    rich,
    said,
    topups,
    wage_of,
    wallet,
)

pytestmark = pytest.mark.django_db


def raise_to(batch, cents, **how):
    return publish.raise_reward(
        batch=fresh(batch), reward=usd(cents), actor=owner(batch), now=LATER, **how
    )


def test_everything_that_is_not_paid_yet_is_raised_and_paid_from_the_wallet():
    batch = published_batch(tasks=6, project=rich(1000), reward=usd(5))
    paid = accepted(batch)
    settle.pay_accepted(now=LATER)
    unpaid, waiting, active = accepted(batch), submitted(batch), claim(batch)
    before = wallet(batch)

    batch = raise_to(batch, 10)

    rewards = {each.pk: each.reward_minor for each in Assignment.objects.all()}
    assert rewards == {paid.pk: 5, unpaid.pk: 10, waiting.pk: 10, active.pk: 10}
    # Three of them and two open slots, at 12 instead of 6.
    assert (batch.reward_minor, batch.fee_minor, wallet(batch)) == (10, 2, before - 5 * 6)
    assert batch.escrow.held_minor == 5 * 12
    assert said(batch, "batch_reward_raised") == [{"reward_minor": 10, "before_minor": 5}]
    settle.pay_accepted(now=LATER)
    assert (earned(unpaid.worker), earned(paid.worker)) == (10, 5)
    nothing_is_broken(NOON)


def test_an_answer_whose_refusal_may_be_overturned_is_raised_too():
    batch = published_batch(tasks=2, project=rich(1000), reward=usd(5))
    refused = rejected(batch)

    raise_to(batch, 10)

    assert fresh(refused).reward_minor == 10
    nothing_is_broken(NOON)


def test_a_draft_only_changes_its_price():
    batch = raise_to(drafted_batch(reward=usd(5)), 10)

    assert (batch.reward_minor, batch.fee_minor, batch.budget_minor) == (10, 2, 0)


@pytest.mark.parametrize("cents", [4, 5])
def test_a_reward_is_only_raised(cents):
    batch = published_batch(reward=usd(5))

    with pytest.raises(InvalidPolicy):
        raise_to(batch, cents)

    assert fresh(batch).reward_minor == 5


def test_a_reward_keeps_its_currency():
    batch = published_batch(reward=usd(5))

    with pytest.raises(CurrencyMismatch):
        publish.raise_reward(batch=batch, reward=Money(10, "EUR"), actor=owner(batch), now=LATER)


def test_a_batch_that_is_closing_keeps_its_reward():
    batch = published_batch(reward=usd(5))
    publish.close(batch=batch, actor=owner(batch), now=NOON)

    with pytest.raises(IllegalTransition):
        raise_to(batch, 10)


def test_a_wallet_that_is_short_raises_nothing():
    batch = published_batch(tasks=2, reward=usd(5))
    held = claim(batch)

    with pytest.raises(InsufficientFunds) as refused:
        raise_to(batch, 10)

    assert refused.value.missing == usd(12)
    assert (fresh(batch).reward_minor, fresh(held).reward_minor) == (5, 5)


@pytest.mark.parametrize(
    ("reward", "basis_points", "told", "fee"),
    [
        (1, 2000, 2000, 6),  # of a fee that was rounded to nothing
        (3, 2000, 2000, 6),
        (20, 2000, 1500, 6),  # the platform takes less by now: this batch keeps its own share
        (10, 2000, None, 6),
    ],
)
def test_the_fee_keeps_its_share_of_the_reward(reward, basis_points, told, fee):
    draft = drafted_batch(reward=usd(reward), fee_basis_points=basis_points)

    assert raise_to(draft, 30, fee_basis_points=told).fee_minor == fee


def test_an_adaptive_batch_needs_the_budget_first():
    batch = published_batch(
        tasks=2, redundancy="adaptive", cap_minor=12, reward=usd(5), project=rich(1000)
    )

    with pytest.raises(BudgetTooSmall) as refused:
        raise_to(batch, 10)
    assert (refused.value.missing, fresh(batch).reward_minor) == (usd(12), 5)

    publish.raise_budget(batch=batch, budget=usd(24), actor=owner(batch), now=LATER)
    assert raise_to(batch, 10).escrow.held_minor == 24
    nothing_is_broken()


def test_who_was_paid_before_a_raise_gets_what_the_floor_calls_for_and_no_more():
    floor(1200)
    batch = fair(tasks=20, reward=usd(100), estimate_seconds=300)
    early = crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)
    wage.look_due(now=LATER)
    give(owner(batch), 10_000)

    raise_to(batch, 130)
    late = crowd(batch, 360, now=LATER)
    accept_and_pay(batch, now=EVEN_LATER)
    wage.look_due(now=EVEN_LATER)
    verbs.top_up_due(now=EVEN_LATER)

    assert topups(batch) == [("job", each.pk, 20, 0) for each in early]
    assert ([earned(each) for each in early], earned(late[0])) == ([120] * 5, 130)
    assert wage_of(batch).topup_minor == 0
    nothing_is_broken(EVEN_LATER)


def test_a_raise_counts_towards_what_answers_are_owed_on_top():
    floor(1200)
    batch = fair(tasks=20, reward=usd(100), estimate_seconds=300)
    crowd(batch, 360, 360, 360, 360, 360)
    wage.look_due(now=LATER)

    raise_to(batch, 115)

    assert wage_of(batch).topup_minor == 5
