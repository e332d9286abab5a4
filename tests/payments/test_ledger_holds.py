from __future__ import annotations

import pytest

from payments import accounts, ledger
from payments.errors import InsufficientFunds, NotHeld
from tests.factories import usd
from tests.payments.books import Kind, earnings_with, escrow_with, post, posting, reread

pytestmark = pytest.mark.django_db


def test_held_money_stays_and_is_not_available():
    escrow, earnings = escrow_with(100), earnings_with(1)

    ledger.hold(escrow.pk, usd(60))

    assert (reread(escrow).balance, reread(escrow).available) == (usd(100), usd(40))
    with pytest.raises(InsufficientFunds) as refusal:
        post(posting(escrow, earnings, 41))
    assert refusal.value.missing == usd(1)
    assert post(posting(escrow, earnings, 40)) == 1


def test_no_more_is_held_than_is_available():
    escrow = escrow_with(100, held=60)

    with pytest.raises(InsufficientFunds) as refusal:
        ledger.hold(escrow.pk, usd(50))

    assert refusal.value.missing == usd(10)
    assert reread(escrow).held == usd(60)


def test_released_money_is_available_again():
    escrow = escrow_with(100, held=60)

    ledger.release(escrow.pk, usd(20))

    assert reread(escrow).available == usd(60)


def test_no_more_is_released_than_is_held():
    escrow = escrow_with(100, held=60)

    with pytest.raises(NotHeld):
        ledger.release(escrow.pk, usd(61))

    assert reread(escrow).held == usd(60)


def test_nothing_is_held_on_an_unguarded_account():
    with pytest.raises(InsufficientFunds):
        ledger.hold(accounts.fees("USD").pk, usd(1))


@pytest.mark.parametrize("move", [ledger.hold, ledger.release])
def test_a_hold_is_one_query(move, django_assert_num_queries):
    escrow = escrow_with(100, held=50)

    with django_assert_num_queries(1):
        move(escrow.pk, usd(50))


def test_what_was_promised_is_paid_out_of_the_hold():
    escrow, earnings = escrow_with(100, held=60), earnings_with(1)
    reward = posting(escrow, earnings, 10, kind=Kind.REWARD, from_held=True)
    fee = posting(escrow, accounts.fees("USD"), 2, kind=Kind.FEE, from_held=True)

    post(reward, fee)

    assert (reread(escrow).balance, reread(escrow).held) == (usd(88), usd(48))
    assert reread(earnings).balance == usd(11)


def test_a_replay_leaves_the_hold_as_it_is():
    escrow, earnings = escrow_with(100, held=60), earnings_with(1)
    reward = posting(escrow, earnings, 10, from_held=True)

    post(reward)
    post(reward)

    assert (reread(escrow).balance, reread(escrow).held) == (usd(90), usd(50))


def test_more_than_the_hold_cannot_be_paid_out_of_it():
    escrow, earnings = escrow_with(100, held=60), earnings_with(1)

    with pytest.raises(NotHeld):
        post(posting(escrow, earnings, 61, from_held=True))
    with pytest.raises(NotHeld):
        post(posting(accounts.world("USD"), earnings, 1, from_held=True))

    assert (reread(escrow).balance, reread(escrow).held) == (usd(100), usd(60))
