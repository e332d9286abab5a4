"""Balances of busy accounts: the last roll-up and what moved since, beside running postings."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection, transaction

from payments import accounts, audit, balances, horizon, ledger, rollups
from payments.audit import Imbalance
from payments.models import RollUp
from tests.factories import NOON, usd
from tests.payments.books import at_once, escrow_with, new_user, posting, reread, wallet_with

FEES = "a roll-up differs from its transfers"


def pay_fees(cents, source=None):
    ledger.post(posting(source or wallet_with(cents), accounts.fees("USD"), cents), now=NOON)


def balance(account):
    return balances.balance_of(account)


@pytest.mark.django_db
def test_a_guarded_accounts_balance_is_the_stored_one():
    wallet = wallet_with(70)
    pay_fees(30, wallet)

    assert balance(wallet) == usd(40)


@pytest.mark.django_db
def test_another_accounts_balance_is_the_sum_of_its_transfers():
    pay_fees(30)
    pay_fees(12)

    assert balance(accounts.fees("USD")) == usd(42)
    assert balance(accounts.world("USD")) == usd(-42)
    assert balance(accounts.fees("EUR")).minor == 0


@pytest.mark.django_db
def test_a_roll_up_changes_no_balance_and_is_added_to():
    for cents in [30, 12, 5]:
        pay_fees(cents)
        assert rollups.roll_up(NOON) == 2  # fees and the world
        pay_fees(cents)

    assert balance(accounts.fees("USD")) == usd(94)
    assert balance(accounts.world("USD")) == usd(-94)
    assert list(fees_rolled()) == [30, 72, 89]
    assert audit.imbalances() == []


def fees_rolled():
    rolled = RollUp.objects.filter(account__purpose="fees").order_by("through")
    return rolled.values_list("balance_minor", flat=True)


@pytest.mark.django_db
def test_what_has_not_moved_is_not_rolled_up_again():
    assert rollups.roll_up(NOON) == 0
    pay_fees(30)
    rollups.roll_up(NOON)

    assert rollups.roll_up(NOON) == 0
    ledger.post(posting(escrow_with(9), wallet_with(1), 9), now=NOON)
    assert rollups.roll_up(NOON) == 1  # the world, which the money came from


@pytest.mark.django_db
def test_what_a_requester_owes_is_a_negative_balance():
    owing, earnings = accounts.receivable(new_user(), "USD"), wallet_with(1)

    ledger.post(posting(owing, earnings, 25), now=NOON)
    rollups.roll_up(NOON)
    ledger.post(posting(wallet_with(10), owing, 10), now=NOON)

    assert balance(owing) == usd(-15)


@pytest.mark.django_db
def test_a_roll_up_that_somebody_changed_is_found():
    pay_fees(30)
    rollups.roll_up(NOON)

    RollUp.objects.filter(account__purpose="fees").update(balance_minor=31)

    assert audit.imbalances() == [Imbalance(FEES, accounts.fees("USD").pk, "USD", 30, 31)]


@pytest.mark.django_db
def test_a_balance_reads_only_the_tail_by_index():
    pay_fees(30)
    rollups.roll_up(NOON)
    fees = accounts.fees("USD")

    with connection.cursor() as cursor:
        # A plan for tables that are not tiny: the planner may not read them whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + balances.UNGUARDED, [fees.pk])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "transfer_history_of_source" in plan
    assert "transfer_history_of_target" in plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db(transaction=True)
def test_nothing_is_rolled_up_while_an_earlier_posting_has_not_ended(monkeypatch):
    monkeypatch.setattr(horizon, "TRIES", 1)
    wallet = wallet_with(10)
    fees = accounts.fees("USD")

    with transaction.atomic():
        ledger.post(posting(wallet, fees, 1), now=NOON)
        [during] = at_once([partial(rollups.roll_up, NOON)])

    assert during == 0
    assert rollups.roll_up(NOON) == 2
    assert balance(fees) == usd(1)


@pytest.mark.django_db(transaction=True)
def test_a_roll_up_waits_for_a_posting_that_ends_soon():
    wallet = wallet_with(10)
    fees = accounts.fees("USD")

    def post_slowly():
        with transaction.atomic(), connection.cursor() as cursor:
            ledger.post(posting(wallet, fees, 1), now=NOON)
            cursor.execute("SELECT pg_sleep(0.3)")

    at_once([post_slowly, partial(rollups.roll_up, NOON)])
    rollups.roll_up(NOON)

    assert audit.imbalances() == []
    assert balance(fees) == usd(1)


@pytest.mark.django_db(transaction=True)
def test_roll_ups_beside_running_postings_lose_nothing():
    wallets = [wallet_with(50) for _ in range(4)]
    fees = accounts.fees("USD")

    def pay(wallet):
        for _ in range(50):
            ledger.post(posting(wallet, fees, 1), now=NOON)

    def roll():
        return [rollups.roll_up(NOON) for _ in range(10)]

    at_once([*(partial(pay, wallet) for wallet in wallets), roll, roll])

    assert {reread(wallet).balance_minor for wallet in wallets} == {0}
    assert balance(fees) == usd(200)
    assert audit.imbalances() == []
