from __future__ import annotations

from datetime import timedelta

import pytest

from payments import accounts, audit, payouts
from payments.models import Incident, Payout, StripeOperation
from payments.play import world
from tests import factories
from tests.factories import NOON, fresh, usd
from tests.payments.stripe_world import Bank, connected, earned, funded

pytestmark = pytest.mark.django_db


def a_paid_worker(bank: Bank, cents: int = 1000):
    owner = factories.a_worker().user
    earned(owner, cents)
    return owner, connected(bank, owner)


def asked(bank: Bank, owner, cents: int = 1000) -> Payout:
    payout = payouts.request(owner_id=owner.pk, amount=usd(cents), now=bank.now)
    payouts.send_due(now=bank.now)
    return payout


def balances(owner) -> tuple[int, int, int]:
    """Earnings, what is in transit, and what is in the connected account."""
    names = accounts.earnings_of, accounts.payouts_in_transit, accounts.connected
    return tuple(account(owner.pk, "USD").balance_minor for account in names)


def test_a_payout_goes_by_the_connected_account_to_the_bank():
    bank = Bank()
    funded(bank, 5000)
    owner, _ = a_paid_worker(bank)
    payout = asked(bank, owner)
    assert balances(owner) == (0, 1000, 0)
    bank.run(2)
    assert balances(owner) == (0, 0, 1000)
    assert fresh(payout).status == "paying"
    world.settle_payout(bank.server, fresh(payout).reference)
    bank.run(2)
    assert fresh(payout).status == "paid"
    assert balances(owner) == (0, 0, 0)
    assert audit.imbalances() == []


def test_a_worker_without_an_account_waits_and_may_be_paid_by_hand():
    bank = Bank()
    owner = factories.a_worker().user
    earned(owner, 1000)
    payout = asked(bank, owner)
    bank.run(2)
    assert fresh(payout).status == "requested"
    payouts.settle_paid(payout_id=payout.pk, reference="SEPA 17", now=bank.now)
    assert fresh(payout).status == "paid"


def test_money_the_platform_has_not_got_yet_waits_for_it_under_a_new_key():
    bank = Bank()
    owner, _ = a_paid_worker(bank)
    payout = asked(bank, owner)
    bank.work()
    operation = StripeOperation.objects.get(kind="transfer")
    assert (operation.state, operation.attempt) == ("planned", 2)
    assert Incident.objects.get().kind == "treasury_short"
    funded(bank, 5000)
    bank.later(hours=1)
    bank.run(3)
    assert fresh(payout).status == "paying"


def test_what_the_bank_returns_after_it_had_confirmed_is_tried_again_a_day_later():
    bank = Bank()
    funded(bank, 5000)
    owner, _ = a_paid_worker(bank)
    payout = asked(bank, owner)
    bank.run(2)
    first = fresh(payout).reference
    world.settle_payout(bank.server, first)
    bank.run(1)
    world.settle_payout(bank.server, first, ok=False)
    bank.run(1)
    assert fresh(payout).status == "returned"
    assert balances(owner) == (0, 0, 1000)
    bank.later(days=1, hours=1)
    bank.run(2)
    again = fresh(payout)
    assert (again.status, again.tries) == ("paying", 2)
    world.settle_payout(bank.server, again.reference)
    bank.run(2)
    assert fresh(payout).status == "paid"
    assert balances(owner) == (0, 0, 0)
    assert audit.imbalances() == []
    assert bank.now - NOON < timedelta(days=3)
