from __future__ import annotations

import pytest
from django.db import transaction

from payments import accounts, ledger
from payments.errors import (
    AccountClosed,
    AccountNotEmpty,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAmount,
    KeyReused,
)
from payments.ledger import Posting
from payments.models import Transfer
from payments.money import MAX_MINOR, Money
from tests.factories import NOON, usd
from tests.payments.books import (
    Kind,
    balances,
    earnings_with,
    escrow_with,
    new_user,
    post,
    posting,
    reread,
    wallet_with,
)

pytestmark = pytest.mark.django_db


def test_a_posting_moves_its_amount_from_one_account_to_the_other():
    wallet, earnings = wallet_with(100), accounts.earnings_of(new_user(), "USD")

    transfer = ledger.post(posting(wallet, earnings, 30, key="bonus:1"), now=NOON)

    assert balances(wallet, earnings) == [70, 30]
    assert (transfer.key, transfer.kind, transfer.amount) == ("bonus:1", Kind.BONUS, usd(30))
    assert (transfer.source, transfer.target, transfer.posted_at) == (wallet, earnings, NOON)


def test_the_same_posting_again_returns_the_first_transfer():
    wallet, earnings = wallet_with(100), earnings_with(1)
    bonus = posting(wallet, earnings, 30)

    first = ledger.post(bonus, now=NOON)

    assert ledger.post(bonus, now=NOON) == first
    assert balances(wallet, earnings) == [70, 31]


@pytest.mark.parametrize("other", ["kind", "source_id", "target_id", "amount"])
def test_a_key_stands_for_its_first_terms_only(other):
    wallet, earnings = wallet_with(100), earnings_with(1)
    terms = {
        "key": "bonus:1",
        "kind": Kind.BONUS,
        "source_id": wallet.pk,
        "target_id": earnings.pk,
        "amount": usd(30),
    }
    changed = {
        "kind": Kind.REFUND,
        "source_id": wallet_with(100).pk,
        "target_id": earnings_with(1).pk,
        "amount": usd(31),
    }
    post(Posting(**terms))

    with pytest.raises(KeyReused):
        post(Posting(**{**terms, other: changed[other]}), posting(wallet, earnings, 1))

    assert balances(wallet, earnings) == [70, 31]


def test_a_key_cannot_be_reused_within_one_call():
    wallet, earnings = wallet_with(100), earnings_with(1)
    bonus = posting(wallet, earnings, 30, key="bonus:1")

    with pytest.raises(KeyReused):
        post(bonus, posting(wallet, earnings, 31, key="bonus:1"))

    assert post(bonus, bonus) == 1
    assert balances(wallet, earnings) == [70, 31]


def test_only_new_postings_count_and_move_money():
    wallet, earnings = wallet_with(100), earnings_with(1)
    old, new = posting(wallet, earnings, 10), posting(wallet, earnings, 20)
    post(old)

    assert post(old, new) == 1
    assert post(old, new) == 0
    assert balances(wallet, earnings) == [70, 31]


def test_no_postings_need_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ledger.post_all([], now=NOON) == 0


def test_too_little_money_stops_all_postings_and_says_what_is_missing():
    wallet, earnings = wallet_with(100), earnings_with(1)

    with pytest.raises(InsufficientFunds, match=r"^0\.01 USD more is needed") as refusal:
        post(
            posting(wallet, earnings, 60, key="bonus:1"),
            posting(wallet, earnings, 41, key="bonus:2"),
        )

    assert refusal.value.missing == usd(1)
    assert balances(wallet, earnings) == [100, 1]
    assert not Transfer.objects.filter(key__startswith="bonus:").exists()


def test_an_unguarded_account_may_go_below_zero_and_keeps_no_balance():
    wallet = wallet_with(10**9)

    assert balances(accounts.world("USD"), wallet) == [0, 10**9]


def test_simultaneous_postings_may_spend_what_another_brings():
    wallet, escrow, earnings = wallet_with(10), escrow_with(1), earnings_with(1)

    post(posting(escrow, earnings, 11), posting(wallet, escrow, 10))

    assert balances(wallet, escrow, earnings) == [0, 0, 12]


@pytest.mark.parametrize("minor", [0, -1, MAX_MINOR + 1])
def test_an_amount_that_is_not_positive_or_too_large_is_refused(minor):
    wallet, earnings = wallet_with(100), earnings_with(1)

    with pytest.raises(InvalidAmount):
        post(posting(wallet, earnings, minor))
    with pytest.raises(InvalidAmount):
        ledger.hold(wallet.pk, usd(minor))
    with pytest.raises(InvalidAmount):
        ledger.release(wallet.pk, usd(minor))


def test_currencies_do_not_mix():
    wallet, euros = wallet_with(100), accounts.earnings_of(new_user(), "EUR")

    with pytest.raises(CurrencyMismatch):
        post(posting(wallet, euros, 1))
    with pytest.raises(CurrencyMismatch):
        post(posting(euros, wallet, 1))
    with pytest.raises(CurrencyMismatch):
        ledger.hold(wallet.pk, Money(1, "EUR"))
    with pytest.raises(CurrencyMismatch):
        ledger.release(wallet.pk, Money(1, "EUR"))

    assert balances(wallet, euros) == [100, 0]


def test_a_closed_account_takes_part_in_nothing_new():
    escrow, wallet = accounts.open_escrow("USD"), wallet_with(100)
    ledger.close(escrow.pk, now=NOON)

    with pytest.raises(AccountClosed):
        post(posting(wallet, escrow, 1))
    with pytest.raises(AccountClosed):
        post(posting(escrow, wallet, 1))
    with pytest.raises(AccountClosed):
        ledger.hold(escrow.pk, usd(1))
    with pytest.raises(AccountClosed):
        ledger.release(escrow.pk, usd(1))

    assert balances(wallet, escrow) == [100, 0]


def test_what_was_posted_before_the_account_closed_still_replays():
    escrow, wallet = escrow_with(5), wallet_with(1)
    refund = posting(escrow, wallet, 5, kind=Kind.REFUND)
    post(refund)
    ledger.close(escrow.pk, now=NOON)

    assert post(refund) == 0


def test_closing_twice_keeps_the_first_instant():
    escrow = accounts.open_escrow("USD")

    ledger.close(escrow.pk, now=NOON)
    ledger.close(escrow.pk, now=NOON.replace(hour=13))

    assert reread(escrow).closed_at == NOON


@pytest.mark.parametrize("held", [0, 5])
def test_an_account_with_money_is_not_closed(held):
    escrow = escrow_with(5, held=held)

    with pytest.raises(AccountNotEmpty):
        ledger.close(escrow.pk, now=NOON)

    assert reread(escrow).closed_at is None


def test_an_unguarded_account_is_not_closed():
    with pytest.raises(AccountNotEmpty):
        ledger.close(accounts.fees("USD").pk, now=NOON)


def test_a_refusal_undoes_the_whole_transaction_it_is_part_of():
    wallet, earnings = wallet_with(100), earnings_with(1)

    @transaction.atomic
    def spend_twice() -> None:
        ledger.post(posting(wallet, earnings, 60), now=NOON)
        ledger.post(posting(wallet, earnings, 60), now=NOON)

    with pytest.raises(InsufficientFunds):
        spend_twice()

    assert balances(wallet, earnings) == [100, 1]


def test_a_thousand_postings_take_four_queries(django_assert_num_queries):
    escrow, earnings = escrow_with(1000, held=1000), earnings_with(1)
    fees = accounts.fees("USD")
    rewards = [posting(escrow, earnings, 1, from_held=True) for _ in range(500)]
    charges = [posting(escrow, fees, 1, from_held=True) for _ in range(500)]

    with django_assert_num_queries(4):  # lock, read the unguarded, insert, update
        assert ledger.post_all(rewards + charges, now=NOON) == 1000

    assert balances(escrow, earnings) == [0, 501]
