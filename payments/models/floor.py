"""The least an hour of work is paid, place by place and day by day."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

PLATFORM = "platform"  # the jurisdiction whose floor holds everywhere

# Jurisdiction and currency as a range of one number: PostgreSQL compares text in an exclusion
# constraint only with an extension that not every server has.
PLACE = Func(
    F("jurisdiction"),
    F("currency"),
    template=(
        "int8range(hashtextextended(jurisdiction || ' ' || currency, 0),"
        " hashtextextended(jurisdiction || ' ' || currency, 0), '[]')"
    ),
)


class WageFloor(models.Model):
    """One rate and the days it holds; agreed by two people, and never removed."""

    jurisdiction = models.CharField(max_length=20)  # "platform", ISO 3166: "DE", "US-CA"
    currency = models.CharField(max_length=3)
    per_hour_minor = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # the first day it no longer holds
    source = models.CharField(max_length=500)  # the law, or where it can be read
    checked_on = models.DateField()
    proposed_by = models.ForeignKey(  # null: shipped with the release
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    proposed_at = models.DateTimeField()
    # Until a second person agrees, it holds nowhere.
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    # The vote of the workers that a lower platform floor needs; workers.Proposal, without a key.
    proposal_id = models.BigIntegerField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # refused, or replaced unapproved

    class Meta:
        constraints = [
            models.CheckConstraint(name="floor_is_positive", condition=Q(per_hour_minor__gt=0)),
            models.CheckConstraint(
                name="floor_ends_after_it_begins",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="floor_approved_by_another",
                condition=Q(approved_by=None)
                | Q(proposed_by__isnull=False) & ~Q(approved_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="floor_approved_or_withdrawn",
                condition=Q(approved_at=None) | Q(withdrawn_at=None),
            ),
            ExclusionConstraint(
                name="floor_once_at_a_time",
                expressions=[
                    (PLACE, RangeOperators.OVERLAPS),
                    (
                        Func(F("valid_from"), F("valid_to"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(approved_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} {self.per_hour_minor} {self.currency}"
