"""Money out: earnings wait in transit until the bank has paid them or sent them back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payments import accounts, ledger
from payments.errors import PayoutSettled
from payments.models import Payout, Transfer
from payments.money import Money, check_amount
from payments.references import check_reference


@transaction.atomic
def request(*, owner_id: int, amount: Money, now: datetime) -> Payout:
    """Set ``amount`` of the owner's earnings aside, to be paid to them.

    Each call asks for another payout.

    Raises:
        AccountClosed: the earnings are closed.
        InsufficientFunds: the owner has earned less than ``amount``.
        InvalidAmount: ``amount`` is not positive.
    """
    check_amount(amount)
    payout = Payout.objects.create(
        owner_id=owner_id, amount_minor=amount.minor, currency=amount.currency, requested_at=now
    )
    posting = ledger.Posting(
        key=f"payout:{payout.pk}",
        kind=Transfer.Kind.PAYOUT,
        source_id=accounts.earnings_of(owner_id, amount.currency).pk,
        target_id=accounts.payouts_in_transit(owner_id, amount.currency).pk,
        amount=amount,
    )
    ledger.post(posting, now=now)
    return payout


@transaction.atomic
def settle_paid(*, payout_id: int, reference: str, now: datetime) -> Payout:
    """Note that the owner has the money; ``reference`` is what the bank calls the payment.

    Saying so again changes nothing, the reference included.

    Raises:
        InvalidReference: ``reference`` is empty, too long or not printable.
        PayoutSettled: the payout has failed.
    """
    check_reference(reference)
    payout = _end(payout_id, Payout.Status.PAID, reference, now)
    posting = ledger.Posting(
        key=f"withdraw:{payout.pk}",
        kind=Transfer.Kind.WITHDRAW,
        source_id=accounts.payouts_in_transit(payout.owner_id, payout.currency).pk,
        target_id=accounts.world(payout.currency).pk,
        amount=payout.amount,
    )
    ledger.post(posting, now=now)
    return payout


@transaction.atomic
def fail(*, payout_id: int, now: datetime) -> Payout:
    """Return the money to the owner's earnings: the bank has refused it.

    Saying so again changes nothing. Raises ``PayoutSettled`` if the payout was paid.
    """
    payout = _end(payout_id, Payout.Status.FAILED, "", now)
    posting = ledger.Posting(
        key=f"payout_return:{payout.pk}",
        kind=Transfer.Kind.PAYOUT_RETURN,
        source_id=accounts.payouts_in_transit(payout.owner_id, payout.currency).pk,
        target_id=accounts.earnings_of(payout.owner_id, payout.currency).pk,
        amount=payout.amount,
    )
    ledger.post(posting, now=now)
    return payout


def _end(payout_id: int, status: Payout.Status, reference: str, now: datetime) -> Payout:
    """Move a requested payout to its final ``status``; one that is there stays as it is."""
    # The old status is in the WHERE: of two calls at once, the second finds no row.
    Payout.objects.filter(pk=payout_id, status=Payout.Status.REQUESTED).update(
        status=status, reference=reference, settled_at=now
    )
    payout = Payout.objects.get(pk=payout_id)
    if payout.status != status:
        raise PayoutSettled
    return payout
