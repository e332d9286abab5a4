"""Contested payments: the bank takes the money at once, and gives it back or keeps it later.

The platform bears that, not the workers: earnings are never touched. What the requester has in
their wallet is frozen as far as it goes; what is missing in the end they owe.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from payments import accounts, ledger
from payments.ledger import Posting
from payments.models import Account, Dispute, Funding, Transfer
from payments.money import Money

if TYPE_CHECKING:
    from stripe import StripeClient

Status = Dispute.Status
Kind = Transfer.Kind
INQUIRY = "warning_"  # only a question of the bank's: nothing is taken


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
    return _follow(found, now)


@transaction.atomic
def _follow(found: Any, now: datetime) -> bool:
    intent = found.payment_intent
    name = intent if isinstance(intent, str) or intent is None else intent.id
    funding = Funding.objects.select_for_update().filter(payment_intent_id=name).first()
    if funding is None or name is None:
        return False
    if found.status.startswith(INQUIRY):
        return True
    dispute = _opened(funding, found, now)
    if found.status in {Status.WON, Status.LOST} and dispute.status == Status.OPEN:
        _close(dispute, Status(found.status), now)
    return True


def _opened(funding: Funding, found: Any, now: datetime) -> Dispute:
    """The row of a dispute; the first time also what it takes and freezes."""
    known = Dispute.objects.filter(dispute_id=found.id).first()
    if known:
        return known
    fee_minor = sum(each.fee for each in found.balance_transactions if each.amount < 0)
    dispute = Dispute.objects.create(
        funding=funding,
        dispute_id=found.id,
        amount_minor=found.amount,
        fee_minor=fee_minor,
        opened_at=now,
    )
    Funding.objects.filter(pk=funding.pk).update(
        refundable_minor=Greatest(F("refundable_minor") - found.amount, 0)
    )
    _take(dispute, now)
    _freeze(dispute, now)
    return dispute


def _take(dispute: Dispute, now: datetime) -> None:
    currency = dispute.funding.currency
    available = accounts.provider_available(currency).pk
    disputed = accounts.disputed_funds(currency).pk
    name = dispute.dispute_id
    postings = [Posting(f"dispute:{name}", Kind.DISPUTE, disputed, available, dispute.amount)]
    if dispute.fee_minor:
        fees = accounts.provider_fees(currency).pk
        fee = Money(dispute.fee_minor, currency)
        postings.append(Posting(f"dispute_fee:{name}", Kind.PROVIDER_FEE, fees, available, fee))
    ledger.post_all(postings, now=now)


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
    dispute.status, dispute.closed_at = status, now
    dispute.save(update_fields=["status", "closed_at"])
    settle = _won if status == Status.WON else _lost
    ledger.post_all(settle(dispute), now=now)
    if status == Status.WON:
        Funding.objects.filter(pk=dispute.funding_id).update(
            refundable_minor=Least(F("refundable_minor") + dispute.amount_minor, F("amount_minor"))
        )


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
