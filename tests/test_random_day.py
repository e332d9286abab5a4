"""Money conservation, end to end: whatever happened, every cent is somewhere, and accounted for."""

from __future__ import annotations

import pytest
from django.db.models import Sum

from payments import accounts, audit, balances
from payments.models import Account, Dispute, Funding, Payout, Refund
from tasks import invariants
from tests.random_day import DEPOSITS, Day

pytestmark = pytest.mark.django_db


def total(rows, field: str = "amount_minor") -> int:
    return rows.aggregate(minor=Sum(field))["minor"] or 0


def own_money(currency: str) -> int:
    """What the platform put in itself: guarantees, jurors, and what requesters owe it."""
    shared = accounts.guarantees, accounts.review_pay, accounts.dispute_losses
    owed = Account.objects.filter(purpose="receivable", currency=currency)
    put_in = [account(currency) for account in shared] + list(owed)
    return -sum(balances.balance_of(account).minor for account in put_in)


def at_the_bank(day: Day, currency: str) -> int:
    """What the bank says it has of ours, available or not."""
    found = day.bank.client.v1.balance.retrieve()
    rows = [*found.available, *found.pending]
    return sum(row.amount for row in rows if row.currency == currency.lower())


@pytest.mark.parametrize("seed", [1, 2])
def test_every_cent_of_a_random_day_is_paid_kept_returned_or_held(seed):
    day = Day(seed)
    for _ in range(350):
        day.step()
    assert audit.imbalances() == []
    day.end()
    assert audit.imbalances() == []
    assert list(invariants.broken(now=day.now)) == []
    for currency in DEPOSITS:
        funded = total(Funding.objects.filter(status="paid", currency=currency))
        paid = total(Payout.objects.filter(status="paid", currency=currency))
        returned = total(Refund.objects.filter(status="paid", funding__currency=currency))
        lost = total(Dispute.objects.filter(status="lost", funding__currency=currency))
        kept = balances.balance_of(accounts.fees(currency)).minor
        guarded = Account.objects.filter(guarded=True, currency=currency)
        held = total(guarded, "balance_minor")
        assert funded + own_money(currency) == paid + kept + returned + lost + held
        assert paid, f"nobody was paid in {currency}"
        pools = accounts.provider_pending(currency), accounts.provider_available(currency)
        assert at_the_bank(day, currency) == -sum(balances.balance_of(p).minor for p in pools)
