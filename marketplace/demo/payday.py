"""Money in and out of the demo by the same way as everybody's, through the bank of play money.

A site with a key of the provider's gets its deposit by hand, and nobody there is paid out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils import timezone

from marketplace.demo.plan import DemoFailed
from payments import (
    accounts,
    compare,
    deposits,
    fundings,
    payout_accounts,
    payouts,
    provider,
    reconcile,
    rounds,
)
from payments.models import ConnectedAccount, Funding, Payout
from payments.money import Money
from payments.play import world
from workers.models import User, Worker

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05
COUNTRY = "US"  # of simulated workers who have none


def deposit(owner: User, amount: Money) -> None:
    """Pay ``amount`` into a requester's wallet at the checkout."""
    now = timezone.now()
    if not provider.is_play():
        reference = f"demo {now:%Y-%m-%d %H:%M:%S.%f}"
        deposits.deposit(owner_id=owner.pk, amount=amount, reference=reference, now=now)
        return
    back = f"{settings.SITE_URL.rstrip('/')}/paid"
    funding = fundings.start(owner_id=owner.pk, amount=amount, return_url=back, now=now)
    own = Funding.objects.filter(pk=funding.pk)
    _until(lambda: own.filter(session_id__isnull=False).exists())
    world.pay_session(provider.play_server(), own.get().session_id or "")
    _until(lambda: own.filter(status=Funding.Status.PAID).exists())


def pay_out(workers: Iterable[Worker], currency: str) -> list[Payout]:
    """Pay all that ``workers`` have earned to their banks; return the payouts, all of them paid."""
    if not provider.is_play():
        return []
    owners = sorted({worker.user_id for worker in workers})
    earned = {owner: accounts.earnings_of(owner, currency).available for owner in owners}
    owed = {owner: amount for owner, amount in earned.items() if amount.minor}
    _open_accounts(list(owed))
    _cover(Money(sum(amount.minor for amount in owed.values()), currency))
    asked = [
        payouts.request(owner_id=owner, amount=amount, now=timezone.now()).pk
        for owner, amount in owed.items()
    ]
    ours = Payout.objects.filter(pk__in=asked)
    _until(lambda: not _sent(ours.exclude(status=Payout.Status.PAID)))
    return list(ours.order_by("pk"))


def _sent(unpaid: Any) -> bool:
    """Send what waits; say whether anything is not paid yet."""
    for pk in unpaid.filter(status=Payout.Status.REQUESTED).values_list("pk", flat=True):
        payouts.send(pk, now=timezone.now())
    return bool(unpaid.exists())


def _open_accounts(owners: list[int]) -> None:
    """Give everybody an account at the bank that can be paid to."""
    for owner in owners:
        payout_accounts.open_account(owner_id=owner, country=COUNTRY, now=timezone.now())
    ours = ConnectedAccount.objects.filter(owner__in=owners)
    _until(lambda: not ours.filter(stripe_account_id=None).exists())
    for name in ours.exclude(transfers_status="active").values_list("stripe_account_id", flat=True):
        world.onboard(provider.play_server(), name or "")
    _until(lambda: not ours.exclude(transfers_status="active").exists())


def _cover(amount: Money) -> None:
    """Put in what the platform lacks, as an operator would: earnings may be of other days."""
    balance = provider.client().v1.balance.retrieve()
    code = amount.currency.lower()
    there = sum(each.amount for each in balance.available if each.currency == code)
    if there < amount.minor:
        provider.client().v1.topups.create({"amount": amount.minor - there, "currency": code})


def differences() -> list[str]:
    """Say where the books and the bank differ, once every movement there has been read."""
    if not provider.is_play():
        return []
    client, now = provider.client(), timezone.now()
    reconcile.read_transactions(client, now=now)
    return [
        f"{code}: the books have {booked}, the bank has {there}"
        for code, (booked, there) in compare.differences(client).items()
    ]


def _until(done: Callable[[], bool]) -> None:
    """Do what the jobs do, beside them, until it is done.

    Raises ``DemoFailed`` if that takes a minute.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > give_up_at:
            raise DemoFailed("The bank of play money did not answer. See the admin's incidents.")
        rounds.make_calls(now=timezone.now())
        rounds.listen(now=timezone.now())
        time.sleep(PAUSE_SECONDS)
