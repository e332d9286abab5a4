"""What binds everybody, and where workers speak: terms, consent, a forum, proposals and votes."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q

from workers.models.people import Person, User
from workers.models.worker import Worker

NOTICE = timedelta(days=30)  # between the publication of new terms and their first day


class Terms(models.Model):
    """One version of the terms. Versions stay readable for ever."""

    version = models.PositiveIntegerField(unique=True)  # from 1
    text = models.TextField()  # Markdown, in plain language
    summary = models.TextField()  # what changed, in a few sentences
    published_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    published_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            # The first version has nobody to give notice to.
            models.CheckConstraint(
                name="terms_with_notice",
                condition=Q(version=1) | Q(effective_at__gte=F("published_at") + NOTICE),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="terms_never_change", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"terms, version {self.version}"


class Consent(models.Model):
    """Somebody agreed to a version of the terms."""

    user = models.ForeignKey(User, models.PROTECT, related_name="consents", db_index=False)
    terms = models.ForeignKey(Terms, models.PROTECT, related_name="consents")
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="consent_once", fields=["user", "terms"])]

    def __str__(self) -> str:
        return f"{self.user_id} to {self.terms_id}"


class Post(models.Model):
    """A message in the workers' forum, which neither staff nor requesters can read."""

    author = models.ForeignKey(Worker, models.PROTECT, related_name="posts")
    thread = models.ForeignKey("self", models.PROTECT, null=True, related_name="replies")
    text = models.TextField()
    made_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # by its author, or by a representative

    def __str__(self) -> str:
        return f"post {self.pk}"


class Proposal(models.Model):
    """A change of the rules that workers vote on, or the election of representatives."""

    class Kind(models.TextChoices):
        RULE = "rule"
        FLOOR = "floor"  # a lower platform floor needs one that was carried
        REPRESENTATIVE = "representative"  # elects ``candidate``
        REVIEWER = "reviewer"  # elects ``candidate`` to juries

    class Outcome(models.TextChoices):
        CARRIED = "carried"
        LOST = "lost"

    kind = models.CharField(max_length=14, choices=Kind)
    title = models.CharField(max_length=200)
    text = models.TextField()
    candidate = models.ForeignKey(Worker, models.PROTECT, null=True, related_name="candidacies")
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="proposals")
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    yes = models.PositiveIntegerField(null=True)  # counted at the end
    no = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=7, choices=Outcome, blank=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="proposal_open_for_a_while", condition=Q(closes_at__gt=F("opened_at"))
            ),
            models.CheckConstraint(
                name="proposal_elects_a_candidate",
                condition=Q(kind__in=["representative", "reviewer"], candidate__isnull=False)
                | Q(kind__in=["rule", "floor"], candidate=None),
            ),
            models.CheckConstraint(
                name="proposal_outcome_iff_counted",
                condition=Q(counted_at=None, outcome="", yes=None, no=None)
                | Q(counted_at__isnull=False, yes__isnull=False, no__isnull=False) & ~Q(outcome=""),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Ballot(models.Model):
    """One person's vote, final. However many accounts a person has, it is one vote."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="ballots", db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="ballots")
    is_yes = models.BooleanField()
    cast_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="ballot_once_per_person", fields=["proposal", "person"])
        ]

    def __str__(self) -> str:
        return f"ballot {self.pk}"


class Office(models.Model):
    """A worker who was elected, until the term ends."""

    class Kind(models.TextChoices):
        REPRESENTATIVE = "representative"  # sees the figures of all, in sums
        REVIEWER = "reviewer"  # sits on juries

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="offices")
    kind = models.CharField(max_length=14, choices=Kind)
    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="office")
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="office_ends", condition=Q(until__gt=F("since"))),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.worker_id}"
