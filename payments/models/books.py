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
GUARDED = ["wallet", "escrow", "earnings", "payouts_in_transit"]
OWNED = ["wallet", "earnings", "payouts_in_transit"]
SHARED = ["fees", "world"]  # one per currency


class Account(models.Model):
    class Purpose(models.TextChoices):
        WALLET = "wallet"  # a requester's deposits
        ESCROW = "escrow"  # one batch's budget, until its answers are judged
        EARNINGS = "earnings"  # what a worker was paid and has not asked for yet
        PAYOUTS_IN_TRANSIT = "payouts_in_transit"  # asked for, not confirmed by the bank
        FEES = "fees"  # what the platform keeps
        WORLD = "world"  # banks and cards: minus all the money that is inside

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
                | Q(guarded=False, purpose__in=SHARED),
            ),
            models.CheckConstraint(
                name="account_owned_by_its_purpose",
                condition=Q(owner__isnull=False, purpose__in=OWNED)
                | Q(owner__isnull=True, purpose__in=["escrow", *SHARED]),
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
                condition=Q(purpose__in=SHARED),
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
        DEPOSIT = "deposit"  # world → wallet
        ALLOCATE = "allocate"  # wallet → escrow, when a batch is published
        REWARD = "reward"  # escrow → earnings, for an accepted answer
        FEE = "fee"  # escrow → fees, beside the reward
        BONUS = "bonus"  # wallet → earnings
        REFUND = "refund"  # escrow → wallet, what a batch did not spend
        PAYOUT = "payout"  # earnings → payouts in transit, when a worker asks
        PAYOUT_RETURN = "payout_return"  # payouts in transit → earnings, when the bank refuses
        WITHDRAW = "withdraw"  # payouts in transit → world, when the bank confirms

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
                condition=Q(
                    kind__in=[
                        "deposit",
                        "allocate",
                        "reward",
                        "fee",
                        "bonus",
                        "refund",
                        "payout",
                        "payout_return",
                        "withdraw",
                    ]
                ),
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


class Payout(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested"  # → paid | failed
        PAID = "paid"
        FAILED = "failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payouts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    # What the bank or provider calls it, once it has answered.
    reference = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payout_amount_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="payout_settled_at_the_end",
                condition=Q(status="requested", settled_at__isnull=True)
                | Q(status__in=["paid", "failed"], settled_at__isnull=False),
            ),
        ]
        indexes = [
            # Whoever sends the money asks for these, oldest first.
            models.Index(
                name="payout_waiting", fields=["requested_at"], condition=Q(status="requested")
            )
        ]

    def __str__(self) -> str:
        return f"payout {self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
