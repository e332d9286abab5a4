"""Where money is, how it moved there, and what is on its way out.

A ``Transfer`` names both the account that gives and the one that receives, so there is
no way to write half a movement. The table only grows; what was wrong is moved back by
one more transfer.

Guarded accounts carry their balance, so that a constraint can forbid spending what is
not there. The busy accounts on the platform's side (fees, the world) are not guarded:
their balance is the sum of their transfers, and no posting ever waits for their rows.
"""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from payments.money import Money

# Sorts of accounts, by the values of ``Account.Purpose``.
GUARDED = [
    "wallet",
    "escrow",
    "reserve",
    "earnings",
    "payouts_in_transit",
    "connected",
    "refunds_in_transit",
    "dispute_reserve",
]
OWNED = [
    "wallet",
    "earnings",
    "payouts_in_transit",
    "connected",
    "refunds_in_transit",
    "dispute_reserve",
    "receivable",
]
PER_BATCH = ["escrow", "reserve"]
# One per currency: what the provider holds, and what the platform loses besides.
PROVIDERS = [
    "provider_pending",
    "provider_available",
    "connected_funds",
    "disputed_funds",
    "provider_fees",
    "dispute_losses",
    "guarantees",
    "review_pay",
]
SHARED = ["fees", "world", *PROVIDERS]
UNGUARDED = [*SHARED, "receivable"]
# Sorts of transfers, by the values of ``Transfer.Kind``.
KINDS = [
    "deposit",
    "provider_fee",
    "available",
    "treasury",
    "allocate",
    "set_aside",
    "reward",
    "fee",
    "effort",
    "top_up",
    "bonus",
    "refund",
    "review_pay",
    "collect",
    "write_off",
    "payout",
    "payout_return",
    "sent",
    "sent_funds",
    "withdraw",
    "withdraw_return",
    "reverse",
    "reverse_funds",
    "withdrawal",
    "withdrawal_paid",
    "withdrawal_return",
    "dispute",
    "freeze",
    "unfreeze",
    "dispute_won",
    "dispute_lost",
]


class Account(models.Model):
    class Purpose(models.TextChoices):
        WALLET = "wallet"  # a requester's deposits
        ESCROW = "escrow"  # one batch's budget, until its answers are judged
        RESERVE = "reserve"  # one batch's reserve, from which pay is raised to the wage floor
        EARNINGS = "earnings"  # what a worker was paid and has not asked for yet
        PAYOUTS_IN_TRANSIT = "payouts_in_transit"  # asked for, not confirmed by the provider
        CONNECTED = "connected"  # in the worker's account at the provider, not yet in their bank
        REFUNDS_IN_TRANSIT = "refunds_in_transit"  # a requester's deposit on its way back
        DISPUTE_RESERVE = "dispute_reserve"  # a requester's money, frozen by an open dispute
        RECEIVABLE = "receivable"  # minus what a requester owes the platform
        WORLD = "world"  # banks: minus the money that came and went by hand
        PROVIDER_PENDING = "provider_pending"  # minus what the provider will make available
        PROVIDER_AVAILABLE = "provider_available"  # minus what the provider holds for the platform
        CONNECTED_FUNDS = "connected_funds"  # minus what the provider holds for workers
        DISPUTED_FUNDS = "disputed_funds"  # minus what open disputes took
        FEES = "fees"  # what the platform keeps
        PROVIDER_FEES = "provider_fees"  # minus what the provider took for its services
        DISPUTE_LOSSES = "dispute_losses"  # minus what lost disputes cost the platform
        GUARANTEES = "guarantees"  # minus what the platform paid for requesters who did not
        REVIEW_PAY = "review_pay"  # minus what jurors were paid

    purpose = models.CharField(max_length=20, choices=Purpose)
    # The unique constraint below leads with the owner, so it needs no index of its own.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False
    )
    currency = models.CharField(max_length=3)
    guarded = models.BooleanField()
    balance_minor = models.BigIntegerField(default=0)  # 0 on unguarded accounts: summed instead
    held_minor = models.BigIntegerField(default=0)  # part of the balance that is promised
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_guarded_by_its_purpose",
                condition=Q(guarded=True, purpose__in=GUARDED)
                | Q(guarded=False, purpose__in=UNGUARDED),
            ),
            models.CheckConstraint(
                name="account_owned_by_its_purpose",
                condition=Q(owner__isnull=False, purpose__in=OWNED)
                | Q(owner__isnull=True, purpose__in=[*PER_BATCH, *SHARED]),
            ),
            models.CheckConstraint(
                name="account_currency_is_three_capitals",
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
            ),
            models.CheckConstraint(
                name="account_balance_only_where_guarded",
                condition=Q(guarded=True) | Q(balance_minor=0, held_minor=0),
            ),
            models.CheckConstraint(
                name="account_spends_only_what_is_not_held",
                condition=Q(held_minor__gte=0, balance_minor__gte=F("held_minor")),
            ),
            models.CheckConstraint(
                name="account_closed_only_when_empty",
                condition=Q(closed_at__isnull=True)
                | Q(guarded=True, balance_minor=0, held_minor=0),
            ),
            models.UniqueConstraint(
                name="account_once_per_owner_and_purpose",
                fields=["owner", "purpose", "currency"],
            ),
            models.UniqueConstraint(
                name="account_once_per_shared_purpose",
                fields=["purpose", "currency"],
                condition=Q(purpose__in=["fees", "world"]),
            ),
            models.UniqueConstraint(
                name="account_once_per_provider_purpose",
                fields=["purpose", "currency"],
                condition=Q(purpose__in=PROVIDERS),
            ),
            # What the transfers' foreign keys point at, so that currencies cannot mix.
            models.UniqueConstraint(name="account_has_one_currency", fields=["id", "currency"]),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"

    @property
    def balance(self) -> Money:
        """Return the whole balance of a guarded account, held money included."""
        return Money(self.balance_minor, self.currency)

    @property
    def held(self) -> Money:
        return Money(self.held_minor, self.currency)

    @property
    def available(self) -> Money:
        """Return what may be spent now."""
        return Money(self.balance_minor - self.held_minor, self.currency)


class TransferQuerySet(models.QuerySet["Transfer"]):
    def page_of(
        self, account_id: int, *, before: int | None = None, limit: int = 50
    ) -> TransferQuerySet:
        """Return the account's newest ``limit`` transfers older than transfer ``before``.

        Each side reads only ``limit`` rows of its own index; one condition with OR would
        sort all transfers of the account.
        """
        older = self if before is None else self.filter(pk__lt=before)
        spent = older.filter(source=account_id).order_by("-pk")[:limit]
        received = older.filter(target=account_id).order_by("-pk")[:limit]
        return spent.union(received, all=True).order_by("-pk")[:limit]


class Transfer(models.Model):
    class Kind(models.TextChoices):
        # Money in
        DEPOSIT = "deposit"  # world or provider_pending → wallet
        PROVIDER_FEE = "provider_fee"  # provider_fees → provider_pending or provider_available
        AVAILABLE = "available"  # provider_available → provider_pending, days later
        TREASURY = "treasury"  # provider_available → world, the operator's own money
        # A batch
        ALLOCATE = "allocate"  # wallet → escrow, when a batch is published
        SET_ASIDE = "set_aside"  # wallet → reserve, at the same time
        REWARD = "reward"  # escrow → earnings, for an accepted answer
        FEE = "fee"  # escrow → fees, beside the reward
        EFFORT = "effort"  # escrow → earnings, for an answer that was refused
        TOP_UP = "top_up"  # reserve or receivable → earnings, up to the wage floor
        BONUS = "bonus"  # wallet → earnings
        REFUND = "refund"  # escrow or reserve → wallet, what a batch did not spend
        REVIEW_PAY = "review_pay"  # review_pay → earnings, for a juror's vote
        # Debts of a requester
        COLLECT = "collect"  # wallet → receivable
        WRITE_OFF = "write_off"  # guarantees or dispute_losses → receivable
        # Money out, to workers
        PAYOUT = "payout"  # earnings → payouts in transit, when a worker asks
        PAYOUT_RETURN = "payout_return"  # payouts in transit → earnings, when it is refused
        SENT = "sent"  # payouts in transit → connected, when the provider has moved it
        SENT_FUNDS = "sent_funds"  # connected_funds → provider_available, at the same time
        WITHDRAW = "withdraw"  # payouts in transit → world, or connected → connected_funds: paid
        WITHDRAW_RETURN = "withdraw_return"  # connected_funds → connected, when the bank returns it
        REVERSE = "reverse"  # connected → earnings, when a transfer is taken back
        REVERSE_FUNDS = "reverse_funds"  # provider_available → connected_funds, at the same time
        # Money out, to requesters
        WITHDRAWAL = "withdrawal"  # wallet → refunds in transit
        WITHDRAWAL_PAID = "withdrawal_paid"  # refunds in transit → provider_available
        WITHDRAWAL_RETURN = "withdrawal_return"  # refunds in transit → wallet
        # Disputes
        DISPUTE = "dispute"  # disputed_funds → provider_available, when the bank takes it
        FREEZE = "freeze"  # wallet → dispute_reserve
        UNFREEZE = "unfreeze"  # dispute_reserve → wallet
        DISPUTE_WON = "dispute_won"  # provider_available → disputed_funds
        DISPUTE_LOST = "dispute_lost"  # dispute_reserve or receivable → disputed_funds

    key = models.CharField(max_length=255)  # derived from the cause, so nothing moves twice
    kind = models.CharField(max_length=20, choices=Kind)
    # The migration adds foreign keys on (account, currency) instead of on the account alone.
    source = models.ForeignKey(
        Account, models.PROTECT, related_name="transfers_out", db_index=False, db_constraint=False
    )
    target = models.ForeignKey(
        Account, models.PROTECT, related_name="transfers_in", db_index=False, db_constraint=False
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    posted_at = models.DateTimeField()

    objects = TransferQuerySet.as_manager()

    class Meta:
        constraints = [
            # Not unique=True, which would add a second index for LIKE.
            models.UniqueConstraint(name="transfer_once_per_key", fields=["key"]),
            models.CheckConstraint(
                name="transfer_amount_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="transfer_between_two_accounts", condition=~Q(source=F("target"))
            ),
            models.CheckConstraint(
                name="transfer_kind_is_known",
                condition=Q(kind__in=KINDS),
            ),
        ]
        indexes = [
            # TransferQuerySet.page_of: the pages of an account's history.
            models.Index(name="transfer_history_of_source", fields=["source", "id"]),
            models.Index(name="transfer_history_of_target", fields=["target", "id"]),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="append_only",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
                func=(
                    "RAISE EXCEPTION 'Transfers are only added: correct one with another.' "
                    "USING ERRCODE = 'integrity_constraint_violation', "
                    "CONSTRAINT = 'transfer_append_only';"
                ),
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
