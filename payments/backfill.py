"""What Stripe has told and nobody here has heard: found in its lists, and looked into."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from payments import incidents, payout_accounts, watermarks, webhooks
from payments.models import ConnectedAccount, Payout, StripeEvent

if TYPE_CHECKING:
    from stripe import StripeClient

READ = "events"
ON_ITS_WAY = timedelta(minutes=10)  # a webhook may still come
KEPT = timedelta(days=395)  # thirteen months
PAYING_FOR = timedelta(days=3)  # after which a payout is asked about
SYNCED_FOR = timedelta(days=1)
TOLD_MAX = 20

# What the endpoints are registered for at Stripe; docs/payments.md names all of them.
PLATFORM_EVENTS = frozenset(
    [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "transfer.created",
        "transfer.updated",
        "transfer.reversed",
        "topup.succeeded",
        "topup.failed",
        "balance.available",
    ]
)


def read_events(client: StripeClient, *, now: datetime) -> int:
    """Keep the platform's events that no webhook brought; return how many. Hourly.

    A human hears of it once for each run that found any: the endpoint was down.
    """
    until = int((now - ON_ITS_WAY).timestamp())
    missed: list[str] = []
    after = watermarks.position(READ)
    for event in watermarks.newer(client.v1.events, after, created={"lte": until}):
        if event.type in PLATFORM_EVENTS and _keep(event, now):
            missed.append(event.id)
        watermarks.put(READ, event.id, now=now)
    if missed:
        details = {"count": len(missed), "events": missed[:TOLD_MAX]}
        incidents.raise_incident("missed_webhook", missed[0], details, now)
    return len(missed)


def _keep(event: Any, now: datetime) -> bool:
    return webhooks.keep(event.to_dict(), source="backfill", now=now)


def ask_about_payouts(client: StripeClient, *, now: datetime) -> int:
    """Look at payouts that the bank has had for days; return how many. Daily.

    The events of connected accounts are listed account by account, so it is the payouts that are
    asked about.
    """
    paying = Payout.objects.filter(
        status=Payout.Status.PAYING, requested_at__lte=now - PAYING_FOR
    ).select_related("owner__connected_account")
    payouts = list(paying.order_by("pk"))
    for payout in payouts:
        options: Any = {"stripe_account": payout.owner.connected_account.stripe_account_id}
        found = client.v1.payouts.retrieve(payout.reference, None, options)
        webhooks.hear_of_payout(found, now=now)
    return len(payouts)


def sync_accounts(client: StripeClient, *, now: datetime) -> int:
    """Look again at workers' accounts that are not ready; return how many. Daily."""
    old = Q(synced_at=None) | Q(synced_at__lte=now - SYNCED_FOR)
    waiting = ConnectedAccount.objects.filter(
        old, stripe_account_id__isnull=False, closed_at=None
    ).exclude(transfers_status="active", payouts_status="active")
    names = list(waiting.order_by("pk").values_list("stripe_account_id", flat=True))
    return sum(payout_accounts.sync(name or "", client, now=now) for name in names)


def forget_events(*, now: datetime) -> int:
    """Forget what was said more than thirteen months ago and looked into; return how many."""
    old = StripeEvent.objects.filter(received_at__lt=now - KEPT, processed_at__isnull=False)
    return old.delete()[0]
