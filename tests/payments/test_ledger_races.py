"""The ledger beside itself: real threads, committed rows."""

from __future__ import annotations

import random
from functools import partial

import pytest

from payments import accounts, audit, ledger
from payments.errors import InsufficientFunds, KeyReused
from payments.models import Transfer
from tests.factories import NOON, usd
from tests.payments.books import at_once, earnings_with, escrow_with, posting, reread, wallet_with

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_threads_posting_one_key_move_the_money_once():
    wallet, earnings = wallet_with(100), earnings_with(1)
    bonus = posting(wallet, earnings, 30)

    new = at_once([partial(ledger.post_all, [bonus], now=NOON)] * 20)

    assert sorted(new) == [0] * 19 + [1]
    assert (reread(wallet).balance, reread(earnings).balance) == (usd(70), usd(31))


def test_keys_used_on_different_terms_at_once_are_posted_for_one_of_them():
    pairs = [(wallet_with(1000), earnings_with(1)) for _ in range(4)]
    rivals = [[posting(*pair, 1, key=f"bonus:{n}") for n in range(1000)] for pair in pairs]

    # Half of them count down, and would wait for the others crosswise.
    rivals[::2] = [rival[::-1] for rival in rivals[::2]]
    outcomes = at_once([partial(ledger.post_all, rival, now=NOON) for rival in rivals])

    assert [o for o in outcomes if not isinstance(o, KeyReused)] == [1000]
    assert Transfer.objects.filter(key__startswith="bonus:").count() == 1000
    assert audit.imbalances() == []


def test_two_runs_over_the_same_postings_in_opposite_orders_move_the_money_once():
    escrow, fees = escrow_with(4000, held=4000), accounts.fees("USD")
    people = [earnings_with(1) for _ in range(10)]
    postings = [posting(escrow, people[n % 10], 10, from_held=True) for n in range(200)]
    postings += [posting(escrow, fees, 2, from_held=True) for _ in range(200)]

    new = at_once(
        [
            partial(ledger.post_all, some, now=NOON)
            for some in [postings, postings[::-1], postings[100:300]]
        ]
    )

    assert sum(new) == 400
    assert (reread(escrow).balance, reread(escrow).held) == (usd(1600), usd(1600))
    assert {reread(person).balance_minor for person in people} == {201}
    assert audit.imbalances() == []


def test_of_twenty_who_hold_at_once_only_those_win_whom_the_money_covers():
    escrow = escrow_with(100)

    outcomes = at_once([partial(ledger.hold, escrow.pk, usd(10))] * 20)

    assert outcomes.count(None) == 10
    assert sum(isinstance(outcome, InsufficientFunds) for outcome in outcomes) == 10
    assert reread(escrow).available == usd(0)


def test_mixed_postings_in_opposite_orders_never_deadlock_and_the_books_balance():
    circle = [wallet_with(200), escrow_with(200), earnings_with(200), escrow_with(200)]
    circle.append(accounts.fees("USD"))

    def wander(seed: int) -> int:
        choose, refusals = random.Random(seed), 0
        for _ in range(40):
            pairs = [choose.sample(circle, 2) for _ in range(choose.randint(1, 4))]
            some = [posting(*pair, choose.randint(1, 60)) for pair in pairs]
            try:
                ledger.post_all(some, now=NOON)
            except InsufficientFunds:
                refusals += 1
        return refusals

    outcomes = at_once([partial(wander, seed) for seed in range(8)])

    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert sum(outcomes) < 8 * 40
    assert audit.imbalances() == []
