"""What people decided about people, with their reasons: the record that due process rests on."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from workers.models.people import User


class Decision(models.Model):
    """One decision of consequence. Rows are never changed; what undoes one is another."""

    class Kind(models.TextChoices):
        SUSPEND = "suspend"
        CLOSE = "close"
        REFUSE_PAY = "refuse_pay"
        LIMIT = "limit"
        REINSTATE = "reinstate"
        OVERTURN = "overturn"  # pay that was refused is paid after all
        UPHOLD = "uphold"  # it stays refused
        REVERSE = "reverse"  # a suspension, closure or limit is undone on appeal

    AGAINST = ("suspend", "close", "refuse_pay", "limit")

    kind = models.CharField(max_length=12, choices=Kind)
    subject_kind = models.CharField(max_length=40)  # "worker", "assignment", "restriction"
    subject_id = models.BigIntegerField()
    concerns = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    reasons = models.TextField()  # as the person concerned reads them
    evidence = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    appeal_until = models.DateTimeField(null=True)
    answers = models.OneToOneField(  # the decision that this one reviews
        "self", models.PROTECT, null=True, related_name="answer"
    )

    class Meta:
        constraints = [
            # Directive (EU) 2024/2831, articles 10 and 11.
            models.CheckConstraint(
                name="decision_against_a_worker_by_a_human",
                condition=~Q(kind__in=["suspend", "close", "refuse_pay", "limit"])
                | Q(made_by__isnull=False),
            ),
            models.CheckConstraint(name="decision_with_reasons", condition=Q(reasons__regex=r"\S")),
            models.CheckConstraint(
                name="decision_kind_is_known",
                condition=Q(
                    kind__in=[
                        "suspend",
                        "close",
                        "refuse_pay",
                        "limit",
                        "reinstate",
                        "overturn",
                        "uphold",
                        "reverse",
                    ]
                ),
            ),
        ]
        indexes = [
            models.Index(name="decision_by_subject", fields=["subject_kind", "subject_id", "id"]),
        ]
        triggers = [
            pgtrigger.Protect(
                name="decision_never_changes", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind} {self.subject_id}"


class StandingAppeal(models.Model):
    """A worker asks for another look at a suspension, a closure or a limit."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="appeal")
    message = models.TextField()
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()  # an answer is owed by then
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="standing_appeal_answered_by_a_human",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"appeal against {self.decision_id}"
