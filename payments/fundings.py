"""Money in: a requester pays at the provider's checkout, and their wallet is credited once.

The wallet is credited for what the provider says it has, never because a browser came back. Which
event brings the news does not matter: each looks at how the payment is now.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments import accounts, coins, incidents, ledger, outbox
from payments.calls import Again, Call
from payments.errors import NotKnownYet
from payments.ledger import Posting
from payments.models import Funding, StripeOperation, Transfer
from payments.money import Money, check_amount
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient

CHECKOUT = "checkout"  # the kind of call
EXPAND = ["payment_intent.latest_charge.balance_transaction"]
Status = Funding.Status
Kind = Transfer.Kind


@transaction.atomic
def start(*, owner_id: int, amount: Money, return_url: str, now: datetime) -> Funding:
    """Plan a checkout; its page is in ``checkout_url`` once the call is made.

    Raises ``InvalidAmount`` unless ``amount`` is positive and within bounds.
    """
    check_amount(amount)
    funding = Funding.objects.create(
        owner_id=owner_id, amount_minor=amount.minor, currency=amount.currency, created_at=now
    )
    outbox.plan(
        kind=CHECKOUT, subject_id=funding.pk, request=_request(funding, return_url), now=now
    )
    return funding


def _request(funding: Funding, return_url: str) -> dict[str, Any]:
    """What the checkout is asked to take, and how the payment is recognised afterwards."""
    named = {"funding": str(funding.pk)}
    return {
        "mode": "payment",
        "client_reference_id": str(funding.pk),
        "success_url": return_url,
        "cancel_url": return_url,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": funding.currency.lower(),
                    "unit_amount": coins.to_stripe(funding.amount),
                    "product_data": {"name": "Deposit for labelling work"},
                },
            }
        ],
        "payment_intent_data": {"metadata": named, "transfer_group": f"funding_{funding.pk}"},
        "metadata": named,
    }


def sync(session_id: str, client: StripeClient, *, now: datetime) -> bool:
    """Bring a funding up to what its checkout is now; return False if it is none of ours."""
    session = client.v1.checkout.sessions.retrieve(session_id, {"expand": EXPAND})
    return _follow(session, now)


def sync_payment(payment_intent_id: str, client: StripeClient, *, now: datetime) -> bool:
    """The same, for an event that names the payment instead of the checkout.

    Raises ``NotKnownYet`` while the answer that names the checkout is not here.
    """
    funding = Funding.objects.filter(payment_intent_id=payment_intent_id).first()
    if funding is None:
        intent = client.v1.payment_intents.retrieve(payment_intent_id)
        named = _metadata(intent).get("funding", "")
        funding = Funding.objects.filter(pk=int(named) if named.isdigit() else 0).first()
    if funding is None:
        return False
    if not funding.session_id:
        raise NotKnownYet
    return sync(funding.session_id, client, now=now)


def _metadata(made: Any) -> dict[str, str]:
    return made.metadata.to_dict() if made.metadata else {}


@transaction.atomic
def _follow(session: Any, now: datetime) -> bool:
    named = session.client_reference_id or ""
    funding = Funding.objects.select_for_update().filter(pk=int(named) if named.isdigit() else 0)
    row = funding.first()
    if row is None:
        return False
    _note(row, session)
    if row.status == Status.PAID:
        return True
    if session.payment_status == "paid":
        _paid(row, session, now)
    elif session.status == "expired":
        row.status, row.failure = Status.FAILED, "expired"
    elif session.status == "complete":
        failed = _why(session.payment_intent)
        row.status = Status.FAILED if failed else Status.PROCESSING
        row.failure = failed
    row.save()
    return True


def _note(row: Funding, session: Any) -> None:
    row.session_id = session.id
    row.checkout_url = session.url or row.checkout_url
    intent = session.payment_intent
    if intent:
        row.payment_intent_id = intent if isinstance(intent, str) else intent.id


def _why(intent: Any) -> str:
    """Why a payment that takes days has failed, or "" while it has not."""
    error = None if intent is None or isinstance(intent, str) else intent.last_payment_error
    return str(error.code or error.message)[:200] if error else ""


def _paid(row: Funding, session: Any, now: datetime) -> None:
    """Credit the wallet with what was paid, unless it is not what was asked for."""
    charge = session.payment_intent.latest_charge
    booked = charge.balance_transaction if charge else None
    taken = coins.from_stripe(booked.fee, row.currency) if booked else 0
    paid = (session.amount_total, session.currency.upper())
    if paid != (coins.to_stripe(row.amount), row.currency):
        details = {
            "funding": row.pk,
            "asked": str(row.amount),
            "currency": session.currency.upper(),
            "unbooked_minor": coins.from_stripe(session.amount_total, session.currency) - taken,
        }
        incidents.raise_incident("funding_amount_differs", session.id, details, now)
        return
    row.status, row.paid_at, row.failure = Status.PAID, now, ""
    row.charge_id = charge.id if charge else ""
    row.fee_minor, row.refundable_minor = taken, row.amount_minor
    ledger.post_all(_postings(row), now=now)


def _postings(row: Funding) -> list[Posting]:
    pending = accounts.provider_pending(row.currency).pk
    wallet = accounts.wallet_of(row.owner_id, row.currency).pk
    deposit = Posting(f"funding:{row.pk}", Kind.DEPOSIT, pending, wallet, row.amount)
    return [deposit, *_fee(row)]


def _fee(row: Funding) -> list[Posting]:
    if not row.fee_minor:
        return []
    pending = accounts.provider_pending(row.currency).pk
    fees = accounts.provider_fees(row.currency).pk
    fee = Money(row.fee_minor, row.currency)
    return [Posting(f"funding_fee:{row.pk}", Kind.PROVIDER_FEE, fees, pending, fee)]


@transaction.atomic
def note_fee(funding_id: int, fee_minor: int, *, now: datetime) -> None:
    """Book what the provider took, where it did not say so when the payment came."""
    row = Funding.objects.select_for_update().get(pk=funding_id)
    if row.status == Status.PAID and not row.fee_minor and fee_minor > 0:
        row.fee_minor = fee_minor
        row.save(update_fields=["fee_minor"])
        ledger.post_all(_fee(row), now=now)


# The call


def _send(client: StripeClient, operation: StripeOperation, options: dict[str, Any]) -> Any:
    return client.v1.checkout.sessions.create(operation.request, options)  # type: ignore[arg-type]


def _opened(operation: StripeOperation, made: Any, now: datetime) -> None:
    _follow(made, now)


def _refused(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    waiting = Funding.objects.filter(pk=operation.subject_id, status=Status.CREATED)
    waiting.update(status=Status.FAILED, failure=why.message[:200])
    return None


def _find(client: StripeClient, operation: StripeOperation) -> Any | None:
    """A checkout that nobody was sent to is not looked for: it expires by itself."""
    known = Funding.objects.get(pk=operation.subject_id).session_id
    if known is None:
        return None
    return client.v1.checkout.sessions.retrieve(known, {"expand": EXPAND})


CALLS = {CHECKOUT: Call(_send, _opened, _refused, _find)}
