"""Money: accounts, what moved between them, and what waits for the bank."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, amount
from payments import payouts
from payments.models import Account, Payout, Transfer


@admin.register(Account)
class AccountAdmin(LargeAdmin):
    """The balances of unguarded accounts are not kept, but summed from their last roll-up on."""

    list_display = [
        "id",
        "purpose",
        "owner",
        amount("balance_minor"),
        amount("held_minor"),
        "guarded",
        "closed_at",
    ]
    list_filter = ["purpose", "currency", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner"]
    searched_texts = ["owner__username"]
    search_help_text = "An account's number, or a username."
    related = [
        ("payments_transfer", "source"),
        ("payments_transfer", "target"),
        ("payments_rollup", "account"),
        ("tasks_batch", "escrow"),
    ]


@admin.register(Transfer)
class TransferAdmin(LargeAdmin):
    list_display = ["id", "posted_at", "kind", "key", "source", "target", amount("amount_minor")]
    list_select_related = ["source", "target"]
    searched_numbers = ["pk", "source", "target"]
    searched_texts = ["key"]
    search_help_text = "A transfer's or account's number, or a key, as in: reward:17"


@admin.register(Payout)
class PayoutAdmin(LookOnlyAdmin):
    """The two actions are for payouts by hand: of workers who have no account at the provider."""

    list_display = [
        "id",
        "owner",
        amount("amount_minor"),
        "status",
        "requested_at",
        "settled_at",
        "reference",
        "failure",
    ]
    list_filter = ["status", "currency"]
    list_select_related = ["owner"]
    search_fields = ["owner__username", "reference", "transfer_id"]
    date_hierarchy = "requested_at"
    actions = [
        action(
            "paid",
            "The money has arrived",
            lambda payout, said: payouts.settle_paid(
                payout_id=payout.pk, reference=said.text, now=said.now
            ),
            asks="Reference of the bank",
        ),
        action(
            "failed",
            "The bank refused: return the money to the earnings",
            lambda payout, said: payouts.fail(payout_id=payout.pk, now=said.now),
        ),
    ]
