"""Money on its way to workers, and the accounts it goes to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from payments.money import Money


class ConnectedAccount(models.Model):
    """A worker's account at the provider. Names, documents and bank numbers stay there."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="connected_account"
    )
    stripe_account_id = models.CharField(max_length=100, unique=True, null=True)  # noqa: DJ001
    country = models.CharField(max_length=2, blank=True)
    # What the provider says of the two capabilities: "active" is the one that counts.
    transfers_status = models.CharField(max_length=20, default="pending")
    payouts_status = models.CharField(max_length=20, default="pending")
    requirements = models.JSONField(default=list)  # what the provider still asks of the worker
    created_at = models.DateTimeField()
    synced_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.stripe_account_id or f"account of user {self.owner_id}"

    @property
    def is_ready(self) -> bool:
        """Whether money can be sent there."""
        return self.closed_at is None and self.transfers_status == "active"


class Payout(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested"  # set aside; waits for an account, or for a hand
        SENDING = "sending"  # the transfer to the worker's account is asked for
        SENT = "sent"  # it is in the worker's account at the provider
        PAYING = "paying"  # it is on its way from there to their bank
        RETURNED = "returned"  # the bank sent it back; it waits in the worker's account
        PAID = "paid"
        FAILED = "failed"  # it went back to the earnings

    # Every legal move. By hand, a requested payout is paid or fails at once. A bank may return
    # what it has confirmed.
    MOVES = {
        Status.REQUESTED: {Status.SENDING, Status.PAID, Status.FAILED},
        Status.SENDING: {Status.SENT, Status.FAILED},
        Status.SENT: {Status.PAYING, Status.FAILED},
        Status.PAYING: {Status.PAID, Status.RETURNED},
        Status.RETURNED: {Status.PAYING, Status.FAILED},
        Status.PAID: {Status.RETURNED},
    }

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payouts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    # What the bank or provider calls it, once it has answered.
    reference = models.CharField(max_length=200, blank=True)
    transfer_id = models.CharField(max_length=100, blank=True, db_default="")  # the provider's name
    failure = models.CharField(max_length=200, blank=True, db_default="")  # why, as it was told
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)  # of the way to the bank

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payout_amount_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="payout_settled_at_the_end",
                condition=Q(
                    status__in=["requested", "sending", "sent", "paying", "returned"],
                    settled_at__isnull=True,
                )
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
