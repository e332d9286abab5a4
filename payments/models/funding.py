"""Money on its way in from requesters, and back to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from payments.money import Money


class Funding(models.Model):
    """One payment of a requester into their wallet, through the provider's checkout."""

    class Status(models.TextChoices):
        CREATED = "created"  # the checkout is asked for, or waits for the requester
        PROCESSING = "processing"  # they have paid; the bank has not confirmed
        PAID = "paid"  # the money is in the wallet
        FAILED = "failed"  # expired or refused; nothing was moved

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="fundings")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.CREATED)
    checkout_url = models.URLField(max_length=2000, blank=True)
    session_id = models.CharField(max_length=200, unique=True, null=True)  # noqa: DJ001
    payment_intent_id = models.CharField(max_length=100, unique=True, null=True)  # noqa: DJ001
    charge_id = models.CharField(max_length=100, blank=True)
    fee_minor = models.BigIntegerField(default=0)  # what the provider took
    refundable_minor = models.BigIntegerField(default=0)  # paid, and not asked back yet
    failure = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="funding_amount_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="funding_refundable_within_its_amount",
                condition=Q(refundable_minor__gte=0, refundable_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="funding_paid_iff_paid_at",
                condition=Q(status="paid", paid_at__isnull=False)
                | ~Q(status="paid") & Q(paid_at=None, refundable_minor=0),
            ),
        ]
        indexes = [
            models.Index(
                name="funding_refundable",
                fields=["owner", "id"],
                condition=Q(refundable_minor__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"funding {self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Refund(models.Model):
    """Unspent money that goes back to the card or bank it came from."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        PAID = "paid"
        FAILED = "failed"  # it is in the wallet again

    funding = models.ForeignKey(Funding, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    refund_id = models.CharField(max_length=100, unique=True, null=True)  # noqa: DJ001
    failure = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="refund_amount_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="refund_settled_at_the_end",
                condition=Q(status="requested", settled_at=None)
                | ~Q(status="requested") & Q(settled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.funding.currency)


class Dispute(models.Model):
    """A payment that its cardholder contests. Workers are paid as if it were not."""

    class Status(models.TextChoices):
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    funding = models.ForeignKey(Funding, models.PROTECT, related_name="disputes")
    dispute_id = models.CharField(max_length=100, unique=True)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    frozen_minor = models.BigIntegerField(default=0)  # of the wallet, in the dispute reserve
    status = models.CharField(max_length=4, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dispute_amounts_are_amounts",
                condition=Q(amount_minor__gt=0, fee_minor__gte=0, frozen_minor__gte=0),
            ),
            models.CheckConstraint(
                name="dispute_closed_iff_decided",
                condition=Q(status="open", closed_at=None)
                | ~Q(status="open") & Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.dispute_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.funding.currency)
