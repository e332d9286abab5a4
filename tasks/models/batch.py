"""One publication of tasks: its price, its rules and its money."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from payments.models import Account
from payments.money import Money
from tasks.errors import IllegalTransition
from tasks.models.project import Project, ProjectVersion
from workers.models import QualificationType


class BatchQuerySet(models.QuerySet["Batch"]):
    """Chains read as a sentence: ``Batch.objects.of(requester_id).live()``."""

    def of(self, requester_id: int) -> BatchQuerySet:
        """One requester's batches."""
        return self.filter(project__requester_id=requester_id)

    def published(self) -> BatchQuerySet:
        """Batches workers may know of."""
        return self.exclude(status=Batch.Status.DRAFT)

    def live(self) -> BatchQuerySet:
        """Batches whose answers still come in or still have to be settled."""
        return self.filter(
            status__in=[Batch.Status.OPEN, Batch.Status.PAUSED, Batch.Status.CLOSING]
        )


class Batch(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"  # being filled; nobody may claim, nothing is funded
        OPEN = "open"  # funded and handed out
        PAUSED = "paused"  # funded, not handed out; what is claimed may be submitted
        CLOSING = "closing"  # open slots withdrawn; what is claimed is still honoured
        CLOSED = "closed"  # everything settled, the rest refunded

    # Every legal move. A status that is not a key is final.
    MOVES = {
        Status.DRAFT: {Status.OPEN},
        Status.OPEN: {Status.PAUSED, Status.CLOSING},
        Status.PAUSED: {Status.OPEN, Status.CLOSING},
        Status.CLOSING: {Status.CLOSED},
    }

    class Purpose(models.TextChoices):
        WORK = "work"  # answers are wanted
        TRAINING = "training"  # every answer is known, and told after the submit
        EXAM = "exam"  # every answer is known; passing grants a qualification

    class Redundancy(models.TextChoices):
        FIXED = "fixed"  # ``overlap`` answers per task
        ADAPTIVE = "adaptive"  # as many as the evidence calls for, within the budget

    class Rule(models.TextChoices):
        GAIN = "gain"  # while an answer is expected to raise accuracy by enough
        TARGET = "target"  # until the confidence has reached ``target``
        SPEND = "spend"  # least certain first, until the budget is spent

    project = models.ForeignKey(Project, models.PROTECT, related_name="batches")
    version = models.ForeignKey(ProjectVersion, models.PROTECT, related_name="batches")
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    reward_minor = models.BigIntegerField()  # paid to the worker for each accepted assignment
    fee_minor = models.BigIntegerField()  # kept by the platform for each accepted assignment
    currency = models.CharField(max_length=3)
    purpose = models.CharField(
        max_length=8, choices=Purpose, default=Purpose.WORK, db_default=Purpose.WORK
    )
    # Answers wanted per task; where redundancy is adaptive, the mean that the budget pays for.
    overlap = models.PositiveSmallIntegerField()
    redundancy = models.CharField(
        max_length=8, choices=Redundancy, default=Redundancy.FIXED, db_default=Redundancy.FIXED
    )
    rule = models.CharField(max_length=6, choices=Rule, default=Rule.GAIN, db_default=Rule.GAIN)
    overlap_min = models.PositiveSmallIntegerField(default=1, db_default=1)
    overlap_max = models.PositiveSmallIntegerField(default=15, db_default=15)
    # confidence from which a task counts as closed
    target = models.FloatField(default=0.95, db_default=0.95)
    cap_minor = models.BigIntegerField(null=True)  # the most it may cost; null: by ``overlap``
    assignment_duration = models.DurationField(default=timedelta(minutes=30))
    auto_accept_delay = models.DurationField(default=timedelta(days=3))  # from submit to accept
    gold_rate = models.FloatField(default=0.05)  # share of claims that are gold, in [0, 0.5]
    max_live_assignments = models.PositiveSmallIntegerField(default=20)  # per worker
    requirements = models.JSONField(default=list)  # workers.requirements
    requirements_version = models.PositiveIntegerField(default=0)
    aggregation = models.CharField(max_length=40, default="auto")  # how labels are combined
    # tasks.rules: what follows from a worker's record
    rules = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    grants = models.ForeignKey(  # what an exam grants
        QualificationType, models.PROTECT, null=True, related_name="+", db_index=False
    )
    # share of right answers that passes an exam
    pass_mark = models.FloatField(default=0.8, db_default=0.8)
    # workers are shown predictions to correct
    prelabels = models.BooleanField(default=False, db_default=False)
    # predictions count as one more annotator
    model_votes = models.BooleanField(default=False, db_default=False)
    # Predictions stand without a human answer where at most this share of them is wrong.
    auto_label_error = models.FloatField(null=True)
    # share of such tasks that people answer anyway
    audit_rate = models.FloatField(default=0.05, db_default=0.05)

    escrow = models.OneToOneField(Account, models.PROTECT, null=True, related_name="batch")
    budget_minor = models.BigIntegerField(default=0)  # moved from the wallet into escrow so far
    refunded_minor = models.BigIntegerField(default=0)  # moved back into the wallet at the end
    # Fair pay (tasks.compensation). Without a floor in the batch's currency nothing is guaranteed.
    estimate_seconds = models.PositiveIntegerField(null=True)  # of one assignment, as published
    floor_minor = models.BigIntegerField(null=True)  # the least an hour is paid; set at publish
    reserve = models.ForeignKey(
        Account, models.PROTECT, null=True, related_name="+", db_index=False
    )
    reserve_each_minor = models.BigIntegerField(default=0, db_default=0)  # per wanted answer
    reserve_minor = models.BigIntegerField(default=0, db_default=0)  # brought into it so far
    # Claims left until the first answers have been timed; null: no pilot is running.
    pilot_left = models.SmallIntegerField(null=True)
    paused_for = models.CharField(max_length=20, blank=True, default="", db_default="")
    # What is shown may disturb: of workers.content. Only those who agreed to it are offered it.
    content_warnings = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField())
    )
    data_use = models.CharField(max_length=500, blank=True, default="", db_default="")
    task_count = models.PositiveIntegerField(default=0)  # without gold
    gold_count = models.PositiveIntegerField(default=0)
    slot_count = models.PositiveBigIntegerField(default=0)  # answers wanted of tasks, without gold
    gold_retired = models.PositiveIntegerField(default=0, db_default=0)
    # how often re-opened tasks were lined up
    wave = models.PositiveIntegerField(default=0, db_default=0)
    low_water = models.BigIntegerField(default=-(2**63))  # no open task has a lower position

    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    rejected_count = models.PositiveIntegerField(default=0)  # tells a run that it is out of date
    aggregated_at = models.DateTimeField(null=True)  # when its consensus was last computed
    aggregate_after = models.DateTimeField(null=True)  # new answers wait at least until then
    decide_after = models.DateTimeField(null=True)  # the next look at what tasks want
    decided_through = models.DateTimeField(null=True)  # the latest submit the last look saw
    decided_answers = models.PositiveBigIntegerField(default=0, db_default=0)  # how many it saw
    closed_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                name="batch_overlap_between_1_and_100", condition=Q(overlap__range=(1, 100))
            ),
            models.CheckConstraint(
                name="batch_overlap_min_within_max",
                condition=Q(overlap_min__gte=1, overlap_max__lte=100)
                & Q(overlap_min__lte=F("overlap_max")),
            ),
            models.CheckConstraint(
                name="batch_target_is_probability", condition=Q(target__gt=0, target__lt=1)
            ),
            models.CheckConstraint(
                name="batch_cap_positive", condition=Q(cap_minor=None) | Q(cap_minor__gt=0)
            ),
            models.CheckConstraint(
                name="batch_within_its_cap",
                condition=Q(cap_minor=None) | Q(budget_minor__lte=F("cap_minor")),
            ),
            models.CheckConstraint(
                name="batch_exam_grants_something",
                condition=~Q(purpose="exam") | Q(grants__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_shares_are_shares",
                condition=Q(pass_mark__range=(0, 1), audit_rate__range=(0.01, 1))
                & (Q(auto_label_error=None) | Q(auto_label_error__gt=0, auto_label_error__lt=1)),
            ),
            models.CheckConstraint(name="batch_reward_positive", condition=Q(reward_minor__gt=0)),
            models.CheckConstraint(name="batch_fee_not_negative", condition=Q(fee_minor__gte=0)),
            models.CheckConstraint(
                name="batch_gold_rate_at_most_half", condition=Q(gold_rate__range=(0, 0.5))
            ),
            models.CheckConstraint(
                name="batch_takes_time", condition=Q(assignment_duration__gt=timedelta(0))
            ),
            models.CheckConstraint(
                name="batch_funded_iff_published",
                condition=Q(status="draft", escrow=None, published_at=None)
                | ~Q(status="draft") & Q(escrow__isnull=False, published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_closed_iff_closed_at",
                condition=Q(status="closed", closed_at__isnull=False)
                | ~Q(status="closed") & Q(closed_at=None),
            ),
        ]
        indexes = [
            # For the jobs and for ``GET /work``: the few batches that are not history.
            models.Index(
                name="batch_live", fields=["status"], condition=~Q(status__in=["draft", "closed"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.pk}"

    @property
    def reward(self) -> Money:
        return Money(self.reward_minor, self.currency)

    @property
    def unit(self) -> Money:
        """What one accepted answer costs the requester: reward and fee."""
        return Money(self.reward_minor + self.fee_minor, self.currency)

    @property
    def is_adaptive(self) -> bool:
        return self.redundancy == self.Redundancy.ADAPTIVE

    @property
    def first_overlap(self) -> int:
        """Answers that a new task wants at once."""
        return self.overlap_min if self.is_adaptive else self.overlap

    @property
    def budget(self) -> Money:
        """What was moved from the wallet into escrow so far."""
        return Money(self.budget_minor, self.currency)

    @property
    def spent(self) -> int:
        """What has gone to workers and the platform, in minor units."""
        if self.escrow is None:
            return 0
        return self.budget_minor - self.refunded_minor - self.escrow.balance_minor

    @property
    def reserved(self) -> int:
        """What is held for open slots and undecided assignments, in minor units."""
        return self.escrow.held_minor if self.escrow else 0

    @property
    def reopens(self) -> bool:
        """Whether a slot that was given back is offered again."""
        return self.status in {self.Status.OPEN, self.Status.PAUSED}

    def move_to(self, status: Status, **fields: datetime | Account | int | None) -> None:
        """Change status, saving ``fields`` with it, if the move is legal *now*.

        The old status is part of the WHERE clause, so of two concurrent movers
        exactly one wins; the other gets ``IllegalTransition``.
        """
        legal = status in self.MOVES.get(self.Status(self.status), ())
        row = Batch.objects.filter(pk=self.pk, status=self.status)
        if not (legal and row.update(status=status, **fields)):
            raise IllegalTransition(f"A batch that is {self.status} cannot become {status}.")
        for name, value in {"status": status, **fields}.items():
            setattr(self, name, value)

    def grow(self, *, tasks: int, gold: int, slots: int) -> None:
        """Count newly uploaded tasks and the answers they want."""
        Batch.objects.filter(pk=self.pk).update(
            task_count=F("task_count") + tasks,
            gold_count=F("gold_count") + gold,
            slot_count=F("slot_count") + slots,
        )
        self.refresh_from_db(fields=["task_count", "gold_count", "slot_count"])
