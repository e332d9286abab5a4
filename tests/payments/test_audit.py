from __future__ import annotations

from functools import partial

import pytest
from django.db import connection

from payments import accounts, audit, ledger, payouts
from payments.audit import Imbalance, Totals
from payments.models import Account, Dispute, Funding, Payout, Refund
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


def a_funding(owner_id) -> Funding:
    return Funding.objects.create(
        owner_id=owner_id, amount_minor=100, currency="USD", created_at=NOON
    )


def a_payout(owner_id, status):
    Payout.objects.create(
        owner_id=owner_id, amount_minor=20, currency="USD", status=status, requested_at=NOON
    )


def a_refund(owner_id):
    Refund.objects.create(funding=a_funding(owner_id), amount_minor=20, requested_at=NOON)


def a_dispute(owner_id):
    Dispute.objects.create(
        funding=a_funding(owner_id),
        dispute_id="dp_1",
        amount_minor=50,
        frozen_minor=20,
        opened_at=NOON,
    )


WAITING = [
    (accounts.payouts_in_transit, partial(a_payout, status="requested"), "open payouts"),
    (accounts.payouts_in_transit, partial(a_payout, status="sending"), "open payouts"),
    (accounts.connected, partial(a_payout, status="sent"), "payouts on their way"),
    (accounts.connected, partial(a_payout, status="paying"), "payouts on their way"),
    (accounts.connected, partial(a_payout, status="returned"), "payouts on their way"),
    (accounts.refunds_in_transit, a_refund, "open refunds"),
    (accounts.dispute_reserve, a_dispute, "open disputes"),
]


@pytest.mark.parametrize(("account_of", "a_row", "what"), WAITING)
def test_money_on_its_way_is_what_the_rows_say(account_of, a_row, what):
    owner = new_user()

    a_row(owner)
    [nowhere] = audit.imbalances()
    ledger.post(posting(wallet_with(30), account_of(owner, "USD"), 20), now=NOON)
    agreed = audit.imbalances()
    ledger.post(posting(wallet_with(30), account_of(owner, "USD"), 5), now=NOON)
    [too_much] = audit.imbalances()

    assert nowhere.problem.endswith(f"differs from the {what}")
    assert nowhere[1:] == (None, "USD", 20, 0)
    assert agreed == []
    assert too_much[1:] == (account_of(owner, "USD").pk, "USD", 20, 25)


def test_the_totals_say_what_came_in_where_it_is_and_what_went_out():
    wallet, escrow = wallet_with(100), accounts.open_escrow("USD")
    earnings = accounts.earnings_of(new_user(), "USD")
    back = accounts.refunds_in_transit(wallet.owner_id, "USD")
    for step in [
        posting(wallet, escrow, 60, kind=Kind.ALLOCATE),
        posting(wallet, accounts.open_reserve("USD"), 8, kind=Kind.SET_ASIDE),
        posting(escrow, earnings, 3, kind=Kind.EFFORT),
        posting(wallet, back, 7, kind=Kind.WITHDRAWAL),
        posting(back, accounts.provider_available("USD"), 7, kind=Kind.WITHDRAWAL_PAID),
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
            escrowed_minor=41,
            earned_minor=28,
            fees_minor=4,
            paid_out_minor=15,
            returned_minor=7,
        )
    ]
