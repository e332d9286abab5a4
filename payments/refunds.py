"""Money back to requesters: what is in their wallet returns to the payments it came from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Sum

from payments import accounts, coins, debts, disputes, ledger, outbox
from payments.calls import Again, Call
from payments.errors import NotRefundable, RequesterFrozen
from payments.ledger import Posting
from payments.models import Funding, Refund, StripeOperation, Transfer
from payments.money import Money, check_amount
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient

REFUND = "refund"  # the kind of call
ALREADY = "charge_already_refunded"
Status = Refund.Status
Kind = Transfer.Kind


@transaction.atomic
def withdraw(*, owner_id: int, amount: Money, now: datetime) -> list[Refund]:
    """Send ``amount`` of the wallet back, to the oldest payments first; return each part.

    Raises:
        InsufficientFunds: the wallet holds less.
        InvalidAmount: ``amount`` is not positive.
        NotRefundable: less than that came through the provider.
        RequesterFrozen: a payment of theirs is disputed.
    """
    check_amount(amount)
    if disputes.is_frozen(owner_id):
        raise RequesterFrozen
    paid = Funding.objects.filter(
        owner=owner_id, currency=amount.currency, refundable_minor__gt=0
    ).select_for_update()
    fundings = list(paid.order_by("pk"))
    debts.collect(owner_id=owner_id, currency=amount.currency, now=now)  # before it is gone
    most = sum(each.refundable_minor for each in fundings)
    if most < amount.minor:
        raise NotRefundable(Money(most, amount.currency))
    refunds, left = [], amount.minor
    for funding in fundings:
        part = min(left, funding.refundable_minor)
        if part:
            refunds.append(_ask(funding, part, now))
            left -= part
    return refunds


def _ask(funding: Funding, minor: int, now: datetime) -> Refund:
    refund = Refund.objects.create(funding=funding, amount_minor=minor, requested_at=now)
    Funding.objects.filter(pk=funding.pk).update(refundable_minor=F("refundable_minor") - minor)
    wallet = accounts.wallet_of(funding.owner_id, funding.currency).pk
    transit = accounts.refunds_in_transit(funding.owner_id, funding.currency).pk
    key = f"withdrawal:{refund.pk}"
    ledger.post(Posting(key, Kind.WITHDRAWAL, wallet, transit, refund.amount), now=now)
    outbox.plan(
        kind=REFUND,
        subject_id=refund.pk,
        request={
            "payment_intent": funding.payment_intent_id,
            "amount": coins.to_stripe(refund.amount),
            "metadata": {"refund": str(refund.pk)},
        },
        now=now,
    )
    return refund


def refundable(owner_id: int, currency: str) -> Money:
    """How much of an owner's payments could go back, if the wallet holds it."""
    paid = Funding.objects.filter(owner=owner_id, currency=currency, refundable_minor__gt=0)
    return Money(paid.aggregate(minor=Sum("refundable_minor"))["minor"] or 0, currency)


def sync(refund_id: str, client: StripeClient, *, now: datetime) -> bool:
    """Bring a refund up to what the provider says of it now; False if it is none of ours."""
    return _follow(client.v1.refunds.retrieve(refund_id), now)


@transaction.atomic
def _follow(found: Any, now: datetime) -> bool:
    named = (found.metadata.to_dict() if found.metadata else {}).get("refund", "")
    rows = Refund.objects.select_for_update(of=("self",)).select_related("funding")
    refund = rows.filter(pk=int(named) if named.isdigit() else 0).first()
    if refund is None:
        return False
    refund.refund_id = found.id
    refund.save(update_fields=["refund_id"])
    if found.status == "succeeded":
        _paid(refund, now)
    elif found.status in {"failed", "canceled"}:
        _undo(refund, str(getattr(found, "failure_reason", "") or found.status), now)
    return True


def _paid(refund: Refund, now: datetime) -> None:
    if refund.status != Status.REQUESTED:
        return
    refund.status, refund.settled_at = Status.PAID, now
    refund.save()
    owner, currency = refund.funding.owner_id, refund.funding.currency
    transit = accounts.refunds_in_transit(owner, currency).pk
    available = accounts.provider_available(currency).pk
    key = f"withdrawal_paid:{refund.pk}"
    ledger.post(Posting(key, Kind.WITHDRAWAL_PAID, transit, available, refund.amount), now=now)


def _undo(refund: Refund, why: str, now: datetime) -> None:
    """Put the money back into the wallet, also when the bank sends it back after all.

    It no longer counts as refundable there: the bank would refuse it again, and somebody has to
    send it by hand.
    """
    if refund.status == Status.FAILED:
        return
    was_paid = refund.status == Status.PAID
    refund.status, refund.settled_at, refund.failure = Status.FAILED, now, why[:200]
    refund.save()
    owner, currency = refund.funding.owner_id, refund.funding.currency
    transit = accounts.refunds_in_transit(owner, currency).pk
    wallet = accounts.wallet_of(owner, currency).pk
    available = accounts.provider_available(currency).pk
    source = available if was_paid else transit
    key = f"withdrawal_return:{refund.pk}"
    ledger.post(Posting(key, Kind.WITHDRAWAL_RETURN, source, wallet, refund.amount), now=now)


# The call


def _send(client: StripeClient, operation: StripeOperation, options: dict[str, Any]) -> Any:
    return client.v1.refunds.create(operation.request, options)  # type: ignore[arg-type]


def _made(operation: StripeOperation, made: Any, now: datetime) -> None:
    _follow(made, now)


def _refused(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    """Back into the wallet; where somebody refunded it elsewhere, the next payment is tried."""
    rows = Refund.objects.select_for_update(of=("self",)).select_related("funding")
    refund = rows.get(pk=operation.subject_id)
    _undo(refund, why.code, now)
    if why.code == ALREADY:
        funding = refund.funding
        Funding.objects.filter(pk=funding.pk).update(refundable_minor=0)
        enough = refundable(funding.owner_id, funding.currency).minor >= refund.amount_minor
        if enough and not disputes.is_frozen(funding.owner_id):
            withdraw(owner_id=funding.owner_id, amount=refund.amount, now=now)
    return None


def _find(client: StripeClient, operation: StripeOperation) -> Any | None:
    intent = operation.request["payment_intent"]
    found = client.v1.refunds.list({"payment_intent": intent, "limit": 100})
    wanted = operation.request["metadata"]
    rows = found.auto_paging_iter()
    return next(
        (each for each in rows if each.metadata and each.metadata.to_dict() == wanted), None
    )


CALLS = {REFUND: Call(_send, _made, _refused, _find)}
