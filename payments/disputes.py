"""Contested payments: the bank takes the money at once, and gives it back or keeps it later.

The platform bears that, not the workers: earnings are never touched. What the requester has in
their wallet is frozen as far as it goes; what is missing in the end they owe.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, Sum

from payments import accounts, coins, debts, fundings, ledger
from payments.errors import NotKnownYet
from payments.ledger import Posting
from payments.models import Account, Dispute, Funding, Transfer
from payments.money import Money

if TYPE_CHECKING:
    from stripe import StripeClient

Status = Dispute.Status
Kind = Transfer.Kind
# Others are only a question of the bank's: nothing is taken.
TAKES = {"needs_response", "under_review", Status.WON, Status.LOST}


def is_frozen(owner_id: int) -> bool:
    """Whether a requester has an open dispute: then they publish nothing."""
    return Dispute.objects.filter(funding__owner=owner_id, status=Status.OPEN).exists()


def frozen_owners() -> list[int]:
    """The requesters with an open dispute."""
    return list(
        Dispute.objects.filter(status=Status.OPEN)
        .order_by("funding__owner")
        .values_list("funding__owner", flat=True)
        .distinct()
    )


def sync(dispute_id: str, client: StripeClient, *, now: datetime) -> bool:
    """Bring a dispute up to what the bank says of it now; False if it is none of ours."""
    found = client.v1.disputes.retrieve(dispute_id, {"expand": ["balance_transactions"]})
    intent = found.payment_intent
    name = intent if isinstance(intent, str) or intent is None else intent.id
    if name is None:
        return False
    paid = Funding.objects.filter(payment_intent_id=name, status=Funding.Status.PAID)
    if not paid.exists():
        # Its news may be here before that of the payment itself.
        if not fundings.sync_payment(name, client, now=now):
            return False
        if not paid.exists():
            raise NotKnownYet
    return _follow(found, name, now)


@transaction.atomic
def _follow(found: Any, payment_intent_id: str, now: datetime) -> bool:
    funding = Funding.objects.select_for_update().get(payment_intent_id=payment_intent_id)
    if found.status not in TAKES:
        return True
    dispute = _opened(funding, found, now)
    _note_fee(dispute, found, now)
    if found.status in {Status.WON, Status.LOST} and dispute.status == Status.OPEN:
        _close(dispute, Status(found.status), now)
    return True


def _opened(funding: Funding, found: Any, now: datetime) -> Dispute:
    """The row of a dispute; the first time also what it takes and freezes."""
    known = Dispute.objects.filter(dispute_id=found.id).first()
    if known:
        return known
    dispute = Dispute.objects.create(
        funding=funding,
        dispute_id=found.id,
        amount_minor=coins.from_stripe(found.amount, funding.currency),
        opened_at=now,
    )
    _count_refundable(funding)
    _take(dispute, now)
    _freeze(dispute, now)
    return dispute


def _count_refundable(funding: Funding) -> None:
    """What is neither refunded nor disputed; the bank would refuse to refund that."""
    standing = ~Q(status=Status.WON)
    gone = [
        funding.refunds.aggregate(minor=Sum("amount_minor"))["minor"] or 0,
        funding.disputes.filter(standing).aggregate(minor=Sum("amount_minor"))["minor"] or 0,
    ]
    funding.refundable_minor = max(funding.amount_minor - sum(gone), 0)
    funding.save(update_fields=["refundable_minor"])


def _take(dispute: Dispute, now: datetime) -> None:
    currency = dispute.funding.currency
    available = accounts.provider_available(currency).pk
    disputed = accounts.disputed_funds(currency).pk
    key = f"dispute:{dispute.dispute_id}"
    ledger.post(Posting(key, Kind.DISPUTE, disputed, available, dispute.amount), now=now)


def _note_fee(dispute: Dispute, found: Any, now: datetime) -> None:
    """Book the fee of the bank, once it has taken it: it may do so after it has told."""
    taken = sum(each.fee for each in found.balance_transactions or [] if each.amount < 0)
    minor = coins.from_stripe(taken, dispute.funding.currency)
    if dispute.fee_minor or minor <= 0:
        return
    dispute.fee_minor = minor
    dispute.save(update_fields=["fee_minor"])
    currency = dispute.funding.currency
    fees = accounts.provider_fees(currency).pk
    available = accounts.provider_available(currency).pk
    fee = Money(minor, currency)
    key = f"dispute_fee:{dispute.dispute_id}"
    ledger.post(Posting(key, Kind.PROVIDER_FEE, fees, available, fee), now=now)


def _freeze(dispute: Dispute, now: datetime) -> None:
    """Set aside what the requester has left, up to the amount."""
    owner, currency = dispute.funding.owner_id, dispute.funding.currency
    wallet = Account.objects.select_for_update(no_key=True).get(
        pk=accounts.wallet_of(owner, currency).pk
    )
    minor = min(wallet.available.minor, dispute.amount_minor)
    if minor <= 0:
        return
    reserve = accounts.dispute_reserve(owner, currency).pk
    frozen = Money(minor, currency)
    key = f"freeze:{dispute.dispute_id}"
    ledger.post(Posting(key, Kind.FREEZE, wallet.pk, reserve, frozen), now=now)
    dispute.frozen_minor = minor
    dispute.save(update_fields=["frozen_minor"])


def _close(dispute: Dispute, status: Dispute.Status, now: datetime) -> None:
    owner, currency = dispute.funding.owner_id, dispute.funding.currency
    wallet = accounts.wallet_of(owner, currency)
    # Before other accounts, as whoever freezes and collects does.
    Account.objects.select_for_update(no_key=True).get(pk=wallet.pk)
    dispute.status, dispute.closed_at = status, now
    dispute.save(update_fields=["status", "closed_at"])
    settle = _won if status == Status.WON else _lost
    ledger.post_all(settle(dispute), now=now)
    if status == Status.WON:
        _count_refundable(dispute.funding)
    else:
        debts.collect(owner_id=owner, currency=currency, now=now)


def _won(dispute: Dispute) -> list[Posting]:
    owner, currency = dispute.funding.owner_id, dispute.funding.currency
    available = accounts.provider_available(currency).pk
    disputed = accounts.disputed_funds(currency).pk
    name = dispute.dispute_id
    postings = [
        Posting(f"dispute_won:{name}", Kind.DISPUTE_WON, available, disputed, dispute.amount)
    ]
    if dispute.frozen_minor:
        reserve = accounts.dispute_reserve(owner, currency).pk
        wallet = accounts.wallet_of(owner, currency).pk
        frozen = Money(dispute.frozen_minor, currency)
        postings.append(Posting(f"unfreeze:{name}", Kind.UNFREEZE, reserve, wallet, frozen))
    return postings


def _lost(dispute: Dispute) -> list[Posting]:
    owner, currency = dispute.funding.owner_id, dispute.funding.currency
    disputed = accounts.disputed_funds(currency).pk
    name = dispute.dispute_id
    parts = [
        ("dispute_lost", accounts.dispute_reserve(owner, currency).pk, dispute.frozen_minor),
        (
            "dispute_owed",
            accounts.receivable(owner, currency).pk,
            dispute.amount_minor - dispute.frozen_minor,
        ),
    ]
    return [
        Posting(f"{key}:{name}", Kind.DISPUTE_LOST, source, disputed, Money(minor, currency))
        for key, source, minor in parts
        if minor
    ]
