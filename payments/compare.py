"""Whether the provider holds, to the cent, what the books say, and enough for all that is owed.

Money moves while this looks. So a difference counts once it was seen twice, unchanged, and then a
human hears of it, once a day. What they know of already explains itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Sum

from payments import accounts, coins, incidents, watermarks
from payments.balances import balance_of
from payments.models import (
    GUARDED,
    Account,
    ConnectedAccount,
    Incident,
    Payout,
    Refund,
    Transfer,
    Watermark,
)
from payments.money import Money

if TYPE_CHECKING:
    from stripe import StripeClient

Purpose = Account.Purpose
PROVIDERS = [Purpose.PROVIDER_PENDING, Purpose.PROVIDER_AVAILABLE]


class Held(NamedTuple):
    """What is in the two pools of one currency, in minor units."""

    pending: int = 0
    available: int = 0


def compare_platform(client: StripeClient, *, now: datetime) -> int:
    """Hold the platform's balance against the books; return how many currencies differ."""
    there = _held_by_provider(client.v1.balance.retrieve())
    known = _known(client)
    return sum(
        _look(code, _booked(code), there.get(code, Held()), known.get(code, 0), now)
        for code in sorted({*there, *_currencies()})
    )


def differences(client: StripeClient) -> dict[str, tuple[Held, Held]]:
    """By currency, what the books and the provider have, where that differs just now."""
    there = _held_by_provider(client.v1.balance.retrieve())
    known = _known(client)
    pairs = {code: (_booked(code), there.get(code, Held())) for code in {*there, *_currencies()}}
    return {
        code: pair
        for code, pair in sorted(pairs.items())
        if sum(pair[1]) - sum(pair[0]) != known.get(code, 0)
    }


def _look(code: str, booked: Held, there: Held, known: int, now: datetime) -> bool:
    pending, available = there.pending - booked.pending, there.available - booked.available
    is_same = not (pending or available) if not known else pending + available == known
    details = {
        "currency": code,
        "pending_minor": {"books": booked.pending, "provider": there.pending},
        "available_minor": {"books": booked.available, "provider": there.available},
        "known_minor": known,
    }
    difference = "" if is_same else f"{pending}/{available}/{known}"
    return _seen_twice("balance_differs", code, difference, details, now)


def _seen_twice(
    kind: str, subject: str, difference: str, details: dict[str, Any], now: datetime
) -> bool:
    """Tell of a difference that was there the last time too; return whether it was news."""
    name = f"{kind} {subject}"
    before = watermarks.position(name)
    if not difference:
        Watermark.objects.filter(pk=name).delete()
        return False
    watermarks.put(name, difference, now=now)
    if before != difference:
        return False
    return incidents.raise_incident(kind, f"{subject} {now:%Y-%m-%d}", details, now)


def _currencies() -> list[str]:
    booked = Account.objects.filter(purpose__in=PROVIDERS)
    return list(booked.values_list("currency", flat=True).distinct())


def _booked(code: str) -> Held:
    pending = balance_of(accounts.provider_pending(code)).minor
    return Held(-pending, -balance_of(accounts.provider_available(code)).minor)


def _held_by_provider(balance: Any) -> dict[str, Held]:
    pools = [_by_currency(balance.pending), _by_currency(balance.available)]
    return {code: Held(*(pool.get(code, 0) for pool in pools)) for code in {*pools[0], *pools[1]}}


def _by_currency(amounts: Iterable[Any]) -> dict[str, int]:
    return {
        each.currency.upper(): coins.from_stripe(each.amount, each.currency) for each in amounts
    }


def _known(client: StripeClient) -> dict[str, int]:
    """By currency, what is at the provider and rightly not in the books.

    Those are transactions that humans were told of, and refunds that the provider has taken out
    and the bank has not confirmed.
    """
    found: dict[str, int] = {}
    told = Incident.objects.filter(details__has_key="unbooked_minor")
    for details in told.values_list("details", flat=True):
        code = details["currency"]
        found[code] = found.get(code, 0) + int(details["unbooked_minor"])
    waiting = Refund.objects.filter(status=Refund.Status.REQUESTED, refund_id__isnull=False)
    for refund in waiting.select_related("funding"):
        if client.v1.refunds.retrieve(refund.refund_id or "").balance_transaction:
            code = refund.amount.currency
            found[code] = found.get(code, 0) - refund.amount_minor
    return {code: minor for code, minor in found.items() if minor}


def compare_connected(client: StripeClient, *, now: datetime) -> int:
    """Hold workers' accounts against the books, where anything is in them; return how many differ.

    What is on its way from there to a bank has left the account and not yet the books.
    """
    inside = Account.objects.filter(purpose=Purpose.CONNECTED, balance_minor__gt=0)
    differing = 0
    for account in inside.order_by("pk").iterator(chunk_size=500):
        differing += _compare_one(account, client, now)
    return differing


def _compare_one(account: Account, client: StripeClient, now: datetime) -> bool:
    owner = ConnectedAccount.objects.get(owner=account.owner_id)
    name, code = owner.stripe_account_id or "", account.currency
    leaving = Payout.objects.filter(
        owner=account.owner_id, currency=code, status=Payout.Status.PAYING
    ).aggregate(minor=Sum("amount_minor", default=0))
    expected = account.balance_minor - leaving["minor"]
    balance = client.v1.balance.retrieve(None, {"stripe_account": name})
    there = sum(_held_by_provider(balance).get(code, Held()))
    details = {"currency": code, "books_minor": expected, "provider_minor": there}
    difference = "" if expected == there else str(there - expected)
    return _seen_twice("connected_differs", f"{name} {code}", difference, details, now)


def check_cover(client: StripeClient, *, now: datetime) -> int:
    """Tell a human, daily, where less is held than is owed; return in how many currencies."""
    there = _held_by_provider(client.v1.balance.retrieve())
    owed = Account.objects.filter(purpose__in=GUARDED, balance_minor__gt=0)
    sums = owed.values_list("currency").annotate(minor=Sum("balance_minor")).order_by("currency")
    return sum(
        _is_uncovered(Money(minor, code), there.get(code, Held()), now) for code, minor in sums
    )


def _is_uncovered(owed: Money, there: Held, now: datetime) -> bool:
    code = owed.currency
    connected = -balance_of(accounts.connected_funds(code)).minor
    covered = sum(there) + connected + _by_hand(code)
    if covered >= owed.minor:
        return False
    details = {"currency": code, "owed_minor": owed.minor, "held_minor": covered}
    subject = f"{code} {now:%Y-%m-%d}"
    return incidents.raise_incident("liabilities_uncovered", subject, details, now)


def _by_hand(code: str) -> int:
    """What came to the operator's own bank by hand, less what was paid from there."""
    world = accounts.world(code)
    came = Transfer.objects.filter(source=world, kind=Transfer.Kind.DEPOSIT)
    went = Transfer.objects.filter(target=world, kind=Transfer.Kind.WITHDRAW)
    sums = [side.aggregate(minor=Sum("amount_minor", default=0))["minor"] for side in (came, went)]
    return int(sums[0] - sums[1])
