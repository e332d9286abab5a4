"""What goes through the provider: deposits, refunds, disputes, accounts, calls and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, amount
from payments import fundings, outbox, provider
from payments.models import (
    ConnectedAccount,
    Dispute,
    Funding,
    PlayObject,
    PlayReply,
    Refund,
    StripeEvent,
    StripeOperation,
    Watermark,
)


@admin.register(Funding)
class FundingAdmin(LargeAdmin):
    list_display = [
        "id",
        "owner",
        amount("amount_minor"),
        "status",
        amount("fee_minor"),
        amount("refundable_minor"),
        "created_at",
        "paid_at",
        "failure",
    ]
    list_filter = ["status", "currency"]
    list_select_related = ["owner"]
    searched_numbers = ["pk"]
    searched_texts = ["session_id", "payment_intent_id"]
    search_help_text = "A deposit's number, or the provider's name of its checkout or payment."
    related = [("payments_refund", "funding"), ("payments_dispute", "funding")]
    actions = [
        action(
            "look",
            "Ask the provider how it is",
            lambda funding, said: _look(funding, said.now),
        ),
    ]


def _look(funding: Funding, now: datetime) -> bool:
    """For a deposit whose news seems lost; nothing to ask where no checkout was opened."""
    if not funding.session_id:
        return False
    return fundings.sync(funding.session_id, provider.client(), now=now)


@admin.register(Refund)
class RefundAdmin(LookOnlyAdmin):
    """Money on its way back to requesters. One that failed is in the wallet: send it by hand."""

    list_display = [
        "id",
        "funding",
        amount("amount_minor", currency="funding.currency"),
        "status",
        "requested_at",
        "settled_at",
        "failure",
    ]
    list_filter = ["status"]
    list_select_related = ["funding"]
    search_fields = ["refund_id", "funding__owner__username"]
    date_hierarchy = "requested_at"


@admin.register(Dispute)
class DisputeAdmin(LookOnlyAdmin):
    """Answer a dispute on the provider's pages, with the records of work that was accepted."""

    list_display = [
        "dispute_id",
        "funding",
        amount("amount_minor", currency="funding.currency"),
        amount("frozen_minor", currency="funding.currency"),
        "status",
        "opened_at",
        "closed_at",
    ]
    list_filter = ["status"]
    list_select_related = ["funding"]
    search_fields = ["dispute_id", "funding__owner__username"]


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(LookOnlyAdmin):
    list_display = [
        "owner",
        "stripe_account_id",
        "country",
        "transfers_status",
        "payouts_status",
        "synced_at",
        "closed_at",
    ]
    list_filter = ["transfers_status", "payouts_status"]
    list_select_related = ["owner"]
    search_fields = ["stripe_account_id", "owner__username"]


@admin.register(StripeOperation)
class StripeOperationAdmin(LargeAdmin):
    """Calls to the provider. One that waits for long says why in its last error."""

    list_display = [
        "id",
        "kind",
        "subject_id",
        "state",
        "attempt",
        "runs",
        "next_try_at",
        "finished_at",
        "stripe_id",
    ]
    list_filter = ["state", "kind"]
    ordering = ("-created_at",)
    searched_numbers = ["subject_id"]
    searched_texts = ["stripe_id", "idempotency_key"]
    search_help_text = "The number of what it is about, the provider's name, or a key."
    actions = [
        action(
            "hurry",
            "Make the call at the next opportunity",
            lambda operation, said: outbox.hurry(operation.pk, now=said.now),
        ),
    ]


@admin.register(StripeEvent)
class StripeEventAdmin(LargeAdmin):
    list_display = ["id", "type", "account", "source", "received_at", "processed_at", "tries"]
    list_filter = ["source", ("processed_at", admin.EmptyFieldListFilter)]
    ordering = ("-received_at",)
    searched_numbers: list[Any] = []
    searched_texts = ["pk"]
    search_help_text = "An event's whole id."


@admin.register(Watermark)
class WatermarkAdmin(LookOnlyAdmin):
    """How far the provider's lists have been read, and differences seen once."""

    list_display = ["name", "position", "at"]


@admin.register(PlayObject)
class PlayObjectAdmin(LargeAdmin):
    """What the bank of play money knows."""

    list_display = ["number", "name", "kind", "account"]
    list_filter = ["kind"]
    searched_texts = ["name"]
    search_help_text = "A number, or the whole name."


@admin.register(PlayReply)
class PlayReplyAdmin(LargeAdmin):
    list_display = ["id", "account", "key", "status"]
    searched_texts = ["key"]
    search_help_text = "A number, or the whole key."
