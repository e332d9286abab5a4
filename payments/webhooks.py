"""What Stripe tells: kept first, then looked into, in any order and as often as it comes.

An event is taken only as a hint that something changed. What the books do follows from the object
as Stripe has it now, so that late, repeated and reversed events end in the same books.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments import (
    disputes,
    fundings,
    incidents,
    operations,
    payout_accounts,
    payouts,
    provider,
    refunds,
)
from payments.errors import InvalidWebhook
from payments.models import ConnectedAccount, Payout, StripeEvent

if TYPE_CHECKING:
    from stripe import StripeClient

TOLERANCE = timedelta(minutes=5)  # of a signature's age
BACK_OFF_MAX = timedelta(hours=1)
TRIES_TOLD = 10  # after so many, which take a quarter of an hour, a human hears of an event
PATIENCE_SECONDS = 10.0  # of one run
IN_HAND = timedelta(minutes=1)


def receive(body: bytes, signature: str, secret: str, *, now: datetime) -> bool:
    """Keep an event that Stripe has signed; return False if it is here already.

    Raises ``InvalidWebhook`` if the signature is not Stripe's, or older than ``TOLERANCE``.
    """
    import stripe  # noqa: PLC0415  (see payments.provider)

    try:
        text = body.decode()
        # Without the SDK's own tolerance, which reads the clock of this machine.
        stripe.WebhookSignature.verify_header(text, signature, secret)
        event = json.loads(text)
        signed_at = int(dict(part.split("=", 1) for part in signature.split(","))["t"])
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise InvalidWebhook from error
    if now.timestamp() - signed_at > TOLERANCE.total_seconds():
        raise InvalidWebhook
    return keep(event, source="webhook", now=now)


def keep(event: Mapping[str, Any], *, source: str, now: datetime) -> bool:
    """Keep one event, once; it is looked into by the job."""
    made = StripeEvent(
        id=event["id"],
        type=event["type"],
        account=event.get("account") or "",
        payload=dict(event),
        source=source,
        received_at=now,
        next_try_at=now,
    )
    before = StripeEvent.objects.filter(pk=made.pk).exists()
    StripeEvent.objects.bulk_create([made], ignore_conflicts=True)
    return not before


def look_into_due(client: StripeClient, *, now: datetime, limit: int = 500) -> int:
    """Look into the events that wait; return into how many. One that fails waits longer.

    Any number may run at once: what an event leads to is done once. One that dies has looked into
    some of them.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    done = 0
    for name in waiting(now=now, limit=limit):
        if time.monotonic() > end:
            break
        done += _in_hand(name, now) and look_into(name, client, now=now)
    return done


def _in_hand(name: str, now: datetime) -> bool:
    """Take an event from the others for a minute, by when it is done, or whoever had it is dead."""
    free = StripeEvent.objects.filter(pk=name, processed_at=None, next_try_at__lte=now)
    return bool(free.update(next_try_at=now + IN_HAND))


def waiting(*, now: datetime, limit: int = 500) -> list[str]:
    """The events to be looked into now, those that waited longest first."""
    due = StripeEvent.objects.filter(processed_at=None, next_try_at__lte=now)
    return list(due.order_by("next_try_at").values_list("pk", flat=True)[:limit])


def look_into(name: str, client: StripeClient, *, now: datetime) -> bool:
    """Bring our rows up to what one event is about; return False if that has to wait."""
    event = StripeEvent.objects.get(pk=name)
    if event.processed_at:
        return True
    about = LOOKS.get(_family(event.type))
    try:
        if about and _is_ours(event):
            about(event, client, now)
    except Exception as error:  # noqa: BLE001  (one broken event must not stop the others)
        _wait(event, error, now)
        return False
    StripeEvent.objects.filter(pk=name).update(processed_at=now, last_error="")
    return True


def _is_ours(event: StripeEvent) -> bool:
    """Whether an event is of the site's mode: an endpoint for connected accounts hears of both."""
    return bool(event.payload.get("livemode", False)) == (provider.mode() == "live")


def _wait(event: StripeEvent, error: Exception, now: datetime) -> None:
    later = min(timedelta(seconds=2.0 ** min(event.tries, 20)), BACK_OFF_MAX)
    said = f"{type(error).__name__}: {error}"[:2000]
    StripeEvent.objects.filter(pk=event.pk).update(
        tries=event.tries + 1, next_try_at=now + later, last_error=said
    )
    if event.tries + 1 == TRIES_TOLD:
        details = {"type": event.type, "error": said}
        incidents.raise_incident("event_stuck", event.pk, details, now)


def _family(kind: str) -> str:
    """``"charge.dispute.created"`` → ``"charge.dispute"``; what an event is about."""
    found = [family for family in LOOKS if kind.startswith(family)]
    return max(found, key=len, default="")


def _object(event: StripeEvent) -> dict[str, Any]:
    found: dict[str, Any] = event.payload["data"]["object"]
    return found


def _checkout(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    fundings.sync(_object(event)["id"], client, now=now)


def _payment(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    fundings.sync_payment(_object(event)["id"], client, now=now)


def _refund(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    refunds.sync(_object(event)["id"], client, now=now)


def _dispute(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    disputes.sync(_object(event)["id"], client, now=now)


def _transfer(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    hear_of_transfer(client.v1.transfers.retrieve(_object(event)["id"]), now=now)


def hear_of_transfer(found: Any, *, now: datetime) -> bool:
    """Take in a transfer as it is at Stripe; return False if it names none of our payouts."""
    named = _payout_of(found)
    if named is None or not Payout.objects.filter(pk=named).exists():
        return False
    # The event may be here before the answer to the call.
    if not operations.heard(payouts.TRANSFER, named, found, found.metadata.to_dict(), now=now):
        payouts.transferred(named, transfer_id=found.id, now=now)
    return True


def _payout(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    options: Any = {"stripe_account": event.account} if event.account else {}
    hear_of_payout(client.v1.payouts.retrieve(_object(event)["id"], None, options), now=now)


def hear_of_payout(found: Any, *, now: datetime) -> None:
    """Take in a payout as it is at Stripe, if it is one of ours."""
    named = _payout_of(found)
    if named is None or not Payout.objects.filter(pk=named).exists():
        return
    carried = found.metadata.to_dict()
    with transaction.atomic():
        # The event may be here before the answer to the call; all steps up to where it is.
        operations.heard(payouts.PAY, named, found, carried, now=now)
        if found.status == "paid":
            payouts.arrived(named, reference=found.id, now=now)
        elif found.status in {"failed", "canceled"}:
            why = found.failure_code or found.status
            payouts.came_back(named, reference=found.id, why=why, now=now)


def _payout_of(found: Any) -> int | None:
    named = (found.metadata.to_dict() if found.metadata else {}).get("payout", "")
    return int(named) if named.isdigit() else None


def _account(event: StripeEvent, client: StripeClient, now: datetime) -> None:
    related = event.payload.get("related_object") or {}
    name = related.get("id") or event.account
    if not name or not payout_accounts.sync(name, client, now=now):
        return
    account = ConnectedAccount.objects.get(stripe_account_id=name)
    if event.type.startswith("account.external_account") or _can_be_paid_again(event, account):
        payouts.retry_returned(account.owner_id, now=now)


def _can_be_paid_again(event: StripeEvent, account: ConnectedAccount) -> bool:
    changed = event.type.endswith("capability_status_updated")
    return changed and account.payouts_status == "active"


# By the longest beginning of an event's type that is named here; others are kept, and say nothing.
LOOKS: dict[str, Callable[[StripeEvent, StripeClient, datetime], None]] = {
    "checkout.session": _checkout,
    "payment_intent": _payment,
    "refund": _refund,
    "charge.dispute": _dispute,
    "transfer": _transfer,
    "payout": _payout,
    "account": _account,
    "v2.core.account": _account,
}


def deliver_play(*, now: datetime, limit: int = 500) -> int:
    """Bring the events of play money in, signed and checked as Stripe's are; return how many."""
    from payments.play import events  # noqa: PLC0415

    state = provider.play_server().state
    waiting = events.undelivered(state, limit=limit)
    for event in waiting:
        body, signature = events.signed(event, PLAY_SECRET, now=now)
        receive(body.encode(), signature, PLAY_SECRET, now=now)
    events.delivered(state, [event["id"] for event in waiting])
    return len(waiting)


PLAY_SECRET = "whsec_play_money"  # noqa: S105  (it opens nothing: play money never leaves the site)
