from __future__ import annotations

import pytest
from django.db import connection

from payments import accounts, audit, ledger, payouts
from payments.audit import Imbalance, Totals
from payments.models import Account, Payout
from tests.factories import NOON, usd
from tests.payments.books import Kind, earnings_with, escrow_with, new_user, posting, wallet_with

pytestmark = pytest.mark.django_db


def unprotect(table: str, *constraints: str) -> None:
    """Drop constraints until the test's end, to make what they forbid."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for constraint in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


def tamper(account: Account, **fields) -> None:
    Account.objects.filter(pk=account.pk).update(**fields)


def test_books_in_which_all_kinds_of_things_happened_balance():
    escrow, earnings = escrow_with(100, held=50), earnings_with(60)
    ledger.post(posting(escrow, earnings, 10, kind=Kind.REWARD, from_held=True), now=NOON)
    ledger.post(posting(escrow, accounts.fees("USD"), 2, kind=Kind.FEE, from_held=True), now=NOON)
    for cents in [20, 7]:
        payouts.request(owner_id=earnings.owner_id, amount=usd(cents), now=NOON)
    payouts.settle_paid(payout_id=Payout.objects.earliest("pk").pk, reference="bank", now=NOON)
    ledger.close(accounts.wallet_of(new_user(), "EUR").pk, now=NOON)

    assert audit.imbalances() == []


def test_no_books_balance_too():
    assert audit.imbalances() == []
    assert audit.totals() == []


def test_a_balance_nobody_posted_is_found_on_the_account_and_in_the_currency():
    wallet = wallet_with(100)

    tamper(wallet, balance_minor=103)

    assert audit.imbalances() == [
        Imbalance("the accounts of a currency do not sum to zero", None, "USD", 0, 3),
        Imbalance("the balance differs from its transfers", wallet.pk, "USD", 100, 103),
    ]


def test_a_transfer_that_changed_no_balance_is_found_on_both_accounts():
    source, target = wallet_with(100), escrow_with(50)

    with connection.cursor() as cursor:
        cursor.execute(
            ledger.INSERT_TRANSFERS,
            [NOON, ["by hand"], ["bonus"], [source.pk], [target.pk], [5], ["USD"]],
        )

    assert audit.imbalances() == [
        Imbalance("the balance differs from its transfers", source.pk, "USD", 95, 100),
        Imbalance("the balance differs from its transfers", target.pk, "USD", 55, 50),
    ]


def test_overdrafts_and_broken_holds_are_found():
    unprotect("payments_account", "account_spends_only_what_is_not_held")
    overdrawn, broken = accounts.open_escrow("USD"), escrow_with(5)
    promised = escrow_with(10, held=10)

    tamper(overdrawn, balance_minor=-3)
    tamper(promised, balance_minor=9)
    tamper(broken, held_minor=-2)

    assert [defect for defect in audit.imbalances() if "held" in defect.problem] == [
        Imbalance("less than nothing is held", broken.pk, "USD", 0, -2),
        Imbalance("the balance is negative or below what is held", overdrawn.pk, "USD", 0, -3),
        Imbalance("the balance is negative or below what is held", promised.pk, "USD", 10, 9),
    ]


def test_a_closed_account_with_money_is_found():
    unprotect("payments_account", "account_closed_only_when_empty")
    wallet = wallet_with(5)

    tamper(wallet, closed_at=NOON)

    assert audit.imbalances() == [
        Imbalance("a closed account is not empty", wallet.pk, "USD", 0, 5)
    ]


def test_a_balance_without_a_guard_is_found():
    unprotect("payments_account", "account_balance_only_where_guarded")
    fees = accounts.fees("USD")

    tamper(fees, balance_minor=5)

    assert audit.imbalances() == [
        Imbalance("an account without a guard has a balance", fees.pk, "USD", 0, 5)
    ]


def test_a_transfer_in_the_wrong_currency_is_found():
    unprotect(
        "payments_transfer", "transfer_source_shares_currency", "transfer_target_shares_currency"
    )
    wallet = wallet_with(5)

    tamper(wallet, currency="EUR")

    wrong = "a transfer is in another currency than its account"
    assert Imbalance(wrong, wallet.pk, "EUR", 0, 5) in audit.imbalances()


def test_money_in_transit_that_no_payout_asks_for_is_found():
    earnings = earnings_with(50)
    payouts.request(owner_id=earnings.owner_id, amount=usd(20), now=NOON)

    Payout.objects.update(amount_minor=19)

    transit = accounts.payouts_in_transit(earnings.owner_id, "USD")
    assert audit.imbalances() == [
        Imbalance("what is in transit differs from the open payouts", transit.pk, "USD", 19, 20)
    ]


def test_the_totals_say_what_came_in_where_it_is_and_what_went_out():
    wallet, escrow = wallet_with(100), accounts.open_escrow("USD")
    earnings = accounts.earnings_of(new_user(), "USD")
    for step in [
        posting(wallet, escrow, 60, kind=Kind.ALLOCATE),
        posting(escrow, earnings, 20, kind=Kind.REWARD),
        posting(escrow, accounts.fees("USD"), 4, kind=Kind.FEE),
        posting(wallet, earnings, 5, kind=Kind.BONUS),
    ]:
        ledger.post(step, now=NOON)
    payout = payouts.request(owner_id=earnings.owner_id, amount=usd(15), now=NOON)
    payouts.settle_paid(payout_id=payout.pk, reference="bank", now=NOON)

    assert audit.totals() == [
        Totals(
            currency="USD",
            deposited_minor=100,
            escrowed_minor=36,
            earned_minor=25,
            fees_minor=4,
            paid_out_minor=15,
        )
    ]
