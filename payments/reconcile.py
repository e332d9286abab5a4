"""Holding the books against the provider's list of what has moved, row by row.

Each transaction there belongs to a row here and has its amount, or a human hears of it: then it
stays outside the books, and the comparison of balances counts it as known. News that got lost on
the way is fetched. All of it may run twice, at once, and die anywhere: it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from payments import accounts, coins, disputes, fundings, incidents, ledger, refunds, watermarks
from payments import payouts as money_out
from payments.ledger import Posting
from payments.models import Dispute, Funding, Incident, Payout, Refund, StripeOperation, Transfer
from payments.money import Money
from payments.webhooks import hear_of_transfer

if TYPE_CHECKING:
    from stripe import StripeClient

READ, SETTLED = "balance_transactions", "balance_transactions_settled"
CHECKED = "operations_checked"
TRANSACTION_WITHIN = timedelta(hours=2)
Kind = Transfer.Kind

# What a transaction comes to in the books, in minor units; None if nothing there explains it.
Finder = Callable[[Any, "StripeClient", datetime], int | None]


class AlreadyTold(Exception):
    """A human knows of the transaction; it stays outside the books."""


def has_anything() -> bool:
    """Whether anything was ever asked of the provider."""
    return StripeOperation.objects.exists()


def read_transactions(client: StripeClient, *, now: datetime) -> int:
    """Hold new transactions against the books; return how many there were. Hourly."""
    count = 0
    for found in watermarks.newer(client.v1.balance_transactions, watermarks.position(READ)):
        take(found, client, now=now)
        watermarks.put(READ, found.id, now=now)
        count += 1
    return count


def settle_transactions(client: StripeClient, *, now: datetime) -> int:
    """Move in the books what the provider has made available since; return how many. Nightly.

    Reads again from the oldest transaction that was still pending.
    """
    count, is_settled = 0, True
    for found in watermarks.newer(client.v1.balance_transactions, watermarks.position(SETTLED)):
        count += take(found, client, now=now)
        is_settled = is_settled and found.status == "available"
        if is_settled:
            watermarks.put(SETTLED, found.id, now=now)
    return count


def take(found: Any, client: StripeClient, *, now: datetime) -> bool:
    """Hold one transaction against the books; return whether it moved between pools there."""
    find = FINDERS.get(found.type, _nothing)
    try:
        expected = find(found, client, now)
    except AlreadyTold:
        return False
    net = coins.from_stripe(found.net, found.currency)
    if expected is None:
        _tell("unknown_transaction", found, 0, net, now)
        return False
    if expected != net:
        _tell("amount_differs", found, expected, net, now)
    return _place(found, expected, now)


def _tell(kind: str, found: Any, expected: int, net: int, now: datetime) -> None:
    details = {
        "type": found.type,
        "source": found.source or "",
        "currency": found.currency.upper(),
        "expected_minor": expected,
        "found_minor": net,
        "unbooked_minor": net - expected,
    }
    incidents.raise_incident(kind, found.id, details, now)


# Which of the provider's two pools it is in


def _place(found: Any, net: int, now: datetime) -> bool:
    """Have it in the same pool here as there.

    A deposit is booked as pending and everything else as available. Where that is not how the
    provider has it, such as a refund out of money that is pending itself, it is moved; and moved
    back when its time has come.
    """
    is_deposit = found.type in DEPOSITS
    if found.status == "pending":
        return not is_deposit and _move(f"pending:{found.id}", found.currency, -net, now)
    if is_deposit or Transfer.objects.filter(key=f"pending:{found.id}").exists():
        return _move(f"available:{found.id}", found.currency, net, now)
    return False


def _move(key: str, currency: str, minor: int, now: datetime) -> bool:
    """Move so much from pending to available, or back if it is less than nothing."""
    if not minor:
        return False
    code = currency.upper()
    available = accounts.provider_available(code).pk
    pending = accounts.provider_pending(code).pk
    source, target = (available, pending) if minor > 0 else (pending, available)
    posting = Posting(key, Kind.AVAILABLE, source, target, Money(abs(minor), code))
    return bool(ledger.post_all([posting], now=now))


# What each type of transaction should come to


def _nothing(found: Any, client: StripeClient, now: datetime) -> int | None:
    return None


def _deposit(found: Any, client: StripeClient, now: datetime) -> int | None:
    funding = Funding.objects.filter(charge_id=found.source, status=Funding.Status.PAID).first()
    if funding is None:
        funding = _paid_by(client.v1.charges.retrieve(found.source).payment_intent, client, now)
    if funding is None:
        return None
    if not funding.fee_minor:
        fundings.note_fee(funding.pk, coins.from_stripe(found.fee, found.currency), now=now)
        funding.refresh_from_db()
    return funding.amount_minor - funding.fee_minor


def _paid_by(intent: Any, client: StripeClient, now: datetime) -> Funding | None:
    """The deposit of a payment whose news never came, brought up to date."""
    name = intent if isinstance(intent, str) or intent is None else intent.id
    if name is None or not fundings.sync_payment(name, client, now=now):
        return None
    funding = Funding.objects.get(payment_intent_id=name)
    told = Incident.objects.filter(kind="funding_amount_differs", subject=funding.session_id)
    if told.exists():
        raise AlreadyTold
    return funding if funding.status == Funding.Status.PAID else None


def _transfer(found: Any, client: StripeClient, now: datetime) -> int | None:
    sent = Payout.objects.filter(transfer_id=found.source)
    if not sent.exists():
        if not hear_of_transfer(client.v1.transfers.retrieve(found.source), now=now):
            return None
        if not sent.exists():
            raise AlreadyTold
    return -sent.get().amount_minor


def _refund(found: Any, client: StripeClient, now: datetime) -> int | None:
    refund = _one_refund(found.source, client, now)
    return -refund.amount_minor if refund else None


def _refund_that_failed(found: Any, client: StripeClient, now: datetime) -> int | None:
    refund = _one_refund(found.source, client, now)
    if refund and refund.status != Refund.Status.FAILED:
        refunds.sync(found.source, client, now=now)
    return refund.amount_minor if refund else None


def _one_refund(name: str, client: StripeClient, now: datetime) -> Refund | None:
    known = Refund.objects.filter(refund_id=name)
    if not known.exists():
        refunds.sync(name, client, now=now)
    return known.first()


def _dispute(found: Any, client: StripeClient, now: datetime) -> int | None:
    if not (found.source or "").startswith("du_"):
        return None
    known = Dispute.objects.filter(dispute_id=found.source)
    if not known.exclude(fee_minor=0).exists() or found.amount > 0:
        disputes.sync(found.source, client, now=now)
    dispute = known.first()
    if dispute is None:
        return None
    if found.amount > 0:
        return dispute.amount_minor
    return -dispute.amount_minor - dispute.fee_minor


def _treasury(found: Any, client: StripeClient, now: datetime) -> int | None:
    """The operator's own money, put in or taken out: it is booked when it is read."""
    return _book(found, Kind.TREASURY, accounts.world(found.currency.upper()).pk, now)


def _fee(found: Any, client: StripeClient, now: datetime) -> int | None:
    """What the provider takes apart from payments, such as once a month."""
    return _book(found, Kind.PROVIDER_FEE, accounts.provider_fees(found.currency.upper()).pk, now)


def _book(found: Any, kind: Transfer.Kind, other_side: int, now: datetime) -> int:
    net, code = coins.from_stripe(found.net, found.currency), found.currency.upper()
    available = accounts.provider_available(code).pk
    source, target = (available, other_side) if net > 0 else (other_side, available)
    if net:
        amount = Money(abs(net), code)
        ledger.post(Posting(f"{kind}:{found.id}", kind, source, target, amount), now=now)
    return net


DEPOSITS = {"charge", "payment"}
FINDERS: dict[str, Finder] = {
    **dict.fromkeys(DEPOSITS, _deposit),
    "transfer": _transfer,
    **dict.fromkeys(["refund", "payment_refund"], _refund),
    **dict.fromkeys(["refund_failure", "payment_failure_refund"], _refund_that_failed),
    "adjustment": _dispute,
    **dict.fromkeys(
        ["topup", "topup_reversal", "payout", "payout_cancel", "payout_failure"], _treasury
    ),
    **dict.fromkeys(["stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"], _fee),
}


# The other way round: what was done must be in the list


def look_for_missing(client: StripeClient, *, now: datetime) -> int:
    """Tell of calls that were confirmed hours ago and moved nothing; return how many. Hourly."""
    until = now - TRANSACTION_WITHIN
    done = StripeOperation.objects.filter(
        state=StripeOperation.State.CONFIRMED,
        kind__in=[money_out.TRANSFER, refunds.REFUND],
        finished_at__lte=until,
    )
    if checked := watermarks.position(CHECKED):
        done = done.filter(finished_at__gt=datetime.fromisoformat(checked))
    told = sum(_is_missing(each, client, now) for each in done.order_by("finished_at"))
    watermarks.put(CHECKED, until.isoformat(), now=now)
    return told


def _is_missing(operation: StripeOperation, client: StripeClient, now: datetime) -> bool:
    if operation.kind == refunds.REFUND:
        waiting = Refund.objects.filter(pk=operation.subject_id, status=Refund.Status.REQUESTED)
        if waiting.exists():
            return False  # the provider has not enough to refund it with
    asked: Any = {"source": operation.stripe_id, "limit": 1}
    if client.v1.balance_transactions.list(asked).data:
        return False
    details = {"kind": operation.kind, "made": operation.stripe_id or ""}
    subject = str(operation.pk)
    return incidents.raise_incident("operation_without_transaction", subject, details, now)
