"""What requesters owe: collected from their wallets as far as they go, or given up."""

from __future__ import annotations

import pytest

from payments import accounts, debts, ledger, refunds
from payments.deposits import deposit
from payments.errors import InsufficientFunds, InvalidAmount, KeyReused
from payments.ledger import Posting
from payments.models import Transfer
from tests.factories import NOON, a_requester, a_worker, usd
from tests.payments.stripe_world import Bank, funded
from workers.models import User

pytestmark = pytest.mark.django_db


def owing(cents, *, funds=0):
    """A requester for whom the platform has paid a worker."""
    requester, worker = a_requester(), a_worker()
    posting = Posting(
        key=f"top_up:{requester.pk}",
        kind=Transfer.Kind.TOP_UP,
        source_id=accounts.receivable(requester.pk, "USD").pk,
        target_id=accounts.earnings_of(worker.user_id, "USD").pk,
        amount=usd(cents),
    )
    ledger.post(posting, now=NOON)
    if funds:
        deposit(
            owner_id=requester.pk, amount=usd(funds), reference=f"bank-{requester.pk}", now=NOON
        )
    return requester.pk


def wallet(owner_id):
    return accounts.wallet_of(owner_id, "USD").balance


def test_who_never_owed_owes_nothing():
    assert debts.owed(a_requester().pk, "USD") == usd(0)


def test_a_debt_is_taken_from_the_wallet():
    owner = owing(30, funds=100)

    assert debts.collect(owner_id=owner, currency="USD", now=NOON) == usd(30)
    assert (wallet(owner), debts.owed(owner, "USD")) == (usd(70), usd(0))


def test_a_wallet_that_holds_less_is_emptied_and_the_rest_taken_later():
    owner = owing(30, funds=20)

    assert debts.collect(owner_id=owner, currency="USD", now=NOON) == usd(20)
    deposit(owner_id=owner, amount=usd(20), reference="more", now=NOON)
    assert debts.collect(owner_id=owner, currency="USD", now=NOON) == usd(10)
    assert debts.collect(owner_id=owner, currency="USD", now=NOON) == usd(0)
    assert wallet(owner) == usd(10)


def test_the_job_collects_from_those_who_owe_and_have_something():
    both, poor = owing(30, funds=100), owing(30)

    assert (debts.collect_due(now=NOON), debts.collect_due(now=NOON)) == (1, 0)
    assert (debts.owed(both, "USD"), debts.owed(poor, "USD")) == (usd(0), usd(30))


def test_who_has_paid_keeps_nobody_waiting():
    owing(30, funds=100)
    assert debts.collect_due(now=NOON) == 1
    later = owing(30, funds=100)

    assert debts.collect_due(now=NOON, limit=1) == 1
    assert wallet(later) == usd(70)


def test_what_is_written_off_is_the_platforms_loss_once():
    owner = owing(30)

    said = [
        debts.write_off(owner_id=owner, amount=usd(10), reference="admin 1: gone", now=NOON)
        for _ in range(2)
    ]

    assert said == [True, False]
    assert debts.owed(owner, "USD") == usd(20)
    with pytest.raises(KeyReused):
        debts.write_off(owner_id=owner, amount=usd(11), reference="admin 1: gone", now=NOON)


def test_no_more_is_written_off_than_is_owed():
    owner = owing(30)

    with pytest.raises(InvalidAmount):
        debts.write_off(owner_id=owner, amount=usd(31), reference="too much", now=NOON)

    assert debts.owed(owner, "USD") == usd(30)


def test_a_debt_is_collected_before_anything_is_withdrawn():
    bank = Bank()
    owner = owing(30)
    funded(bank, 100, owner=User.objects.get(pk=owner))

    with pytest.raises(InsufficientFunds):
        refunds.withdraw(owner_id=owner, amount=usd(100), now=bank.now)
    refunds.withdraw(owner_id=owner, amount=usd(70), now=bank.now)

    assert (wallet(owner), debts.owed(owner, "USD")) == (usd(0), usd(0))
