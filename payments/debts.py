"""What requesters owe the platform, and how it comes back: out of their wallets, or not at all.

A requester owes what the platform paid workers in their stead, and what a lost dispute took. Until
it is collected the workers have it all the same.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Sum

from payments import accounts, ledger
from payments.balances import balance_of
from payments.errors import InvalidAmount
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money


def owed(owner_id: int, currency: str) -> Money:
    """Return what a requester owes in one currency, or nothing."""
    account = Account.objects.filter(
        owner=owner_id, purpose=Account.Purpose.RECEIVABLE, currency=currency
    ).first()
    minor = -balance_of(account).minor if account else 0
    return Money(max(0, minor), currency)


def outstanding() -> list[tuple[str, Money]]:
    """Return who owes how much, by username."""
    rows = Account.objects.filter(purpose=Account.Purpose.RECEIVABLE).select_related("owner")
    found = []
    for account in rows.order_by("owner__username", "currency"):
        minor = -balance_of(account).minor
        if account.owner is not None and minor > 0:
            found.append((account.owner.get_username(), Money(minor, account.currency)))
    return found


@transaction.atomic
def collect(*, owner_id: int, currency: str, now: datetime) -> Money:
    """Take what a requester owes from their wallet, as far as it goes; return how much.

    Runs at once take it once: each locks the wallet first, and sees what the other has taken.
    """
    wallet = _locked_wallet(owner_id, currency)
    debt = owed(owner_id, currency)
    minor = min(debt.minor, wallet.available.minor)
    if minor > 0:
        account = accounts.receivable(owner_id, currency)
        so_far = _received(account, Transfer.Kind.COLLECT)
        posting = Posting(
            key=f"collect:{account.pk}:{so_far + minor}",
            kind=Transfer.Kind.COLLECT,
            source_id=wallet.pk,
            target_id=account.pk,
            amount=Money(minor, currency),
        )
        ledger.post_all([posting], now=now)
    return Money(minor, currency)


def collect_due(*, now: datetime, limit: int = 500) -> int:
    """Collect from up to ``limit`` requesters who owe and have something; return from how many.

    Who owes nothing any more does not count: they would keep the others waiting.

    Each in a transaction of its own: a run that dies has collected from some of them.
    """
    wallet = Account.objects.filter(
        owner=OuterRef("owner"), currency=OuterRef("currency"), purpose=Account.Purpose.WALLET
    )
    free = wallet.annotate(free=F("balance_minor") - F("held_minor")).values("free")
    owing = (
        Account.objects.filter(purpose=Account.Purpose.RECEIVABLE)
        .annotate(free=Subquery(free))
        .filter(free__gt=0)
        .order_by("pk")
        .values_list("owner_id", "currency")
    )
    collected = 0
    for owner_id, currency in list(owing):
        if owed(owner_id, currency).minor:
            collected += bool(collect(owner_id=owner_id, currency=currency, now=now).minor)
        if collected == limit:
            break
    return collected


@transaction.atomic
def write_off(*, owner_id: int, amount: Money, reference: str, now: datetime) -> bool:
    """Give up a part of what a requester owes: the platform has paid it for good.

    Posted once for each ``reference``; returns whether this was the first time.

    Raises:
        InvalidAmount: it is not positive, or more than is owed.
        KeyReused: the reference named another amount.
    """
    _locked_wallet(owner_id, amount.currency)  # nothing is collected meanwhile
    account = accounts.receivable(owner_id, amount.currency)
    key = f"write_off:{account.pk}:{reference}"
    is_new = not Transfer.objects.filter(key=key).exists()
    if is_new and amount.minor > owed(owner_id, amount.currency).minor:
        raise InvalidAmount("No more can be written off than is owed.")
    posting = Posting(
        key=key,
        kind=Transfer.Kind.WRITE_OFF,
        source_id=accounts.guarantees(amount.currency).pk,
        target_id=account.pk,
        amount=amount,
    )
    return bool(ledger.post_all([posting], now=now))


def _locked_wallet(owner_id: int, currency: str) -> Account:
    wallet = accounts.wallet_of(owner_id, currency)
    return Account.objects.select_for_update(no_key=True).get(pk=wallet.pk)


def _received(account: Account, kind: Transfer.Kind) -> int:
    sums = Transfer.objects.filter(target=account, kind=kind).aggregate(minor=Sum("amount_minor"))
    return sums["minor"] or 0
