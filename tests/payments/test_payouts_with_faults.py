"""Payouts while one request in five goes wrong and processes die: none is lost, none is doubled.

``benchmarks/payouts.py`` does the same to a thousand payouts, with processes that are killed.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from payments import audit, outbox, payouts
from payments.models import Incident, Payout, StripeOperation
from payments.play import balances as bank_balances
from payments.play import world
from payments.play.state import PLATFORM
from tests import factories
from tests.factories import usd
from tests.payments.stripe_world import Bank, books, connected, earned, funded, objects

pytestmark = pytest.mark.django_db
PAYOUTS, WORKERS = 60, 6


class Killed(BaseException):
    """The process is gone."""


def die_sometimes(monkeypatch, chance: random.Random) -> None:
    """Let one call in ten end between its answer and the note of it, or before it is sent."""
    confirm, lease = outbox.confirm, outbox._lease

    def confirm_or_die(*args, **named):
        if chance.random() < 0.1:
            raise Killed
        return confirm(*args, **named)

    def lease_and_die(*args):
        found = lease(*args)
        if found and chance.random() < 0.1:
            raise Killed
        return found

    monkeypatch.setattr(outbox, "confirm", confirm_or_die)
    monkeypatch.setattr(outbox, "_lease", lease_and_die)


def until_paid(bank: Bank) -> int:
    """Let the jobs run until all is paid; return how many processes died."""
    deaths = 0
    for _ in range(400):
        try:
            bank.work()
        except Killed:
            deaths += 1
        for payout in Payout.objects.filter(status="paying"):
            account = payout.owner.connected_account.stripe_account_id
            row = bank.state.store.get(payout.reference)
            assert row.account == account
            if row.data["status"] == "pending":
                world.settle_payout(bank.server, payout.reference)
        bank.later(seconds=40)
        if not Payout.objects.exclude(status="paid").exists():
            return deaths
    raise AssertionError(f"never paid: {list(StripeOperation.objects.values_list('last_error'))}")


@pytest.mark.parametrize("seed", [1, 2])
def test_each_is_paid_once_whatever_fails(monkeypatch, seed):
    bank = Bank()
    chance = random.Random(seed)
    funded(bank, 1_000_000)
    owners = [factories.a_worker().user for _ in range(WORKERS)]
    for owner in owners:
        earned(owner, 100_000)
        connected(bank, owner)
    asked = Counter()
    for number in range(PAYOUTS):
        owner, minor = owners[number % WORKERS], chance.randint(1, 5_000)
        payouts.request(owner_id=owner.pk, amount=usd(minor), now=bank.now)
        asked[owner.connected_account.stripe_account_id] += minor
    payouts.send_due(now=bank.now)
    bank.server.faults.at_random(seed=seed, share=0.2)
    die_sometimes(monkeypatch, chance)

    deaths = until_paid(bank)

    assert deaths > 5
    transfers = objects(bank, "transfer")
    assert len(transfers) == len({row["metadata"]["payout"] for row in transfers}) == PAYOUTS
    arrived = Counter()
    for account in asked:
        for row in objects(bank, "payout", account):
            assert row["status"] == "paid"
            arrived[account] += row["amount"]
        assert bank_balances.available(bank.state, account, "usd") == 0
    assert arrived == asked
    assert audit.imbalances() == []
    assert not Incident.objects.exists()
    # Nobody has read the balance transactions yet: all that came is still booked as pending.
    held = -sum(
        books().get((name, None, "USD"), 0) for name in ("provider_pending", "provider_available")
    )
    assert held == bank_balances.available(bank.state, PLATFORM, "usd")
    assert not StripeOperation.objects.exclude(state="confirmed").exists()
