"""What goes out: the JSON shapes of our rows. Shapes only; no queries, no rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from payments.models import Payout, Transfer
from tasks.models import Assignment, Batch, Progress, Project


@extend_schema_field({"type": "integer"})
class Seconds(serializers.Field[timedelta, Any, int, Any]):
    """A duration, as the whole seconds it came in."""

    def to_representation(self, value: timedelta) -> int:
        return round(value.total_seconds())


class ProjectOut(serializers.ModelSerializer[Project]):
    """A project from ``projects.with_latest``."""

    version = serializers.IntegerField()
    instructions = serializers.CharField()
    interface = serializers.JSONField()

    class Meta:
        model = Project
        fields = ["id", "title", "version", "instructions", "interface", "created_at"]


class ProgressOut(serializers.ModelSerializer[Progress]):
    class Meta:
        model = Progress
        fields = [
            "tasks_done", "open_slots", "active", "submitted", "accepted", "rejected", "skipped",
            "expired", "paid", "workers", "median_seconds", "confidence", "counted_at",
        ]  # fmt: skip


class MoneyOut(serializers.Serializer[Any]):
    budget = serializers.IntegerField(source="budget_minor")
    spent = serializers.IntegerField()
    reserved = serializers.IntegerField()


class ReserveOut(serializers.Serializer[Any]):
    """What lies beside the budget, to raise pay to the wage floor; the rest comes back."""

    brought = serializers.IntegerField(source="reserve_minor")
    left = serializers.IntegerField(source="reserve.balance_minor", default=0)
    each = serializers.IntegerField(source="reserve_each_minor", help_text="Per wanted answer.")


class RedundancyOut(serializers.Serializer[Any]):
    policy = serializers.CharField(source="redundancy")
    min = serializers.IntegerField(source="overlap_min")
    max = serializers.IntegerField(source="overlap_max")
    rule = serializers.CharField()
    target = serializers.FloatField()
    budget = serializers.IntegerField(source="cap_minor")


class BatchOut(serializers.ModelSerializer[Batch]):
    """Amounts are whole minor units (cents) of ``currency``; durations are seconds."""

    project = serializers.IntegerField(source="project_id")
    version = serializers.IntegerField(source="version.number")
    grants = serializers.IntegerField(source="grants_id")
    reward = serializers.IntegerField(source="reward_minor")
    fee = serializers.IntegerField(source="fee_minor")
    assignment_duration_seconds = Seconds(source="assignment_duration")
    auto_accept_delay_seconds = Seconds(source="auto_accept_delay")
    qualifications = serializers.JSONField(source="requirements")
    rules = serializers.JSONField()
    tasks = serializers.IntegerField(source="task_count")
    gold = serializers.IntegerField(source="gold_count")
    answers_wanted = serializers.IntegerField(source="slot_count")
    redundancy = RedundancyOut(source="*")
    money = MoneyOut(source="*")
    floor = serializers.IntegerField(
        source="floor_minor", help_text="The least an hour is paid; null: nothing is promised."
    )
    reserve = ReserveOut(source="*")
    progress = ProgressOut(default=None)

    class Meta:
        model = Batch
        fields = [
            "id", "project", "version", "status", "purpose", "grants", "pass_mark", "reward", "fee",
            "currency", "overlap", "redundancy", "assignment_duration_seconds",
            "auto_accept_delay_seconds", "gold_rate",
            "max_live_assignments", "qualifications", "rules", "aggregation", "tasks", "gold",
            "answers_wanted", "money", "estimate_seconds", "floor", "reserve", "pilot_left",
            "paused_for", "content_warnings", "data_use", "progress", "created_at", "published_at",
            "aggregated_at", "closed_at",
        ]  # fmt: skip


class QuoteOut(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    gold = serializers.IntegerField()
    answers = serializers.IntegerField(help_text="How many would be paid for, gold included.")
    rewards = serializers.IntegerField(source="rewards.minor")
    fees = serializers.IntegerField(source="fees.minor")
    reserve = serializers.IntegerField(
        source="reserve.minor", help_text="To raise pay to the wage floor; the rest comes back."
    )
    floor = serializers.IntegerField(
        source="terms.floor.minor", default=None, help_text="The least an hour is paid."
    )
    minimum_reward = serializers.IntegerField(source="terms.minimum.minor", default=None)
    seconds = serializers.IntegerField(
        source="terms.seconds", default=None, help_text="What one answer is reckoned to take."
    )
    seconds_from = serializers.CharField(
        source="terms.source",
        default=None,
        help_text="`measured`, your `estimate`, or `implied` by what the reward pays for.",
    )
    pilot = serializers.BooleanField(
        source="terms.needs_pilot", default=False, help_text="Whether it begins with a pilot."
    )
    total = serializers.IntegerField(source="total.minor")
    wallet = serializers.IntegerField(source="wallet.minor")
    missing = serializers.IntegerField(source="missing.minor")
    currency = serializers.CharField(source="total.currency")


class RejectionOut(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="Counted from 1.")
    reason = serializers.CharField()


class UploadOut(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    gold = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rejections = RejectionOut(many=True, help_text="The first 1,000 of them.")


class AssignmentOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.CharField()
    batch = serializers.IntegerField()
    task = serializers.IntegerField()
    title = serializers.CharField()
    instructions = serializers.CharField()
    interface = serializers.JSONField()
    input = serializers.JSONField()
    suggestion = serializers.JSONField(
        allow_null=True, help_text="A model's answer, or a part of one, to be corrected."
    )
    deadline_at = serializers.DateTimeField()
    reward = serializers.IntegerField()
    currency = serializers.CharField()


class FeedbackOut(serializers.Serializer[Any]):
    """What a worker learns from an answer in a training."""

    right = serializers.BooleanField()
    expected = serializers.JSONField()
    explanation = serializers.CharField()


class ReturnedOut(serializers.Serializer[Any]):
    """What handing a task back because of what it is may earn, in minor units."""

    code = serializers.CharField()
    status = serializers.CharField()
    seconds = serializers.IntegerField()
    amount = serializers.IntegerField()
    due_at = serializers.DateTimeField(help_text="Paid then, unless the requester refuses before.")


class AnsweredOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.CharField()
    returned = ReturnedOut(required=False, help_text="After a skip with a code only.")
    answer = serializers.JSONField(required=False)
    feedback = FeedbackOut(required=False, help_text="In a training only.")


class DecidedOut(serializers.ModelSerializer[Assignment]):
    """An assignment as its requester sees it after a decision."""

    class Meta:
        model = Assignment
        fields = ["id", "status", "submitted_at", "finished_at", "reason"]


class TransferOut(serializers.ModelSerializer[Transfer]):
    """One movement, seen from one account: what comes in is positive."""

    kind = serializers.CharField()
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Transfer
        fields = ["id", "kind", "amount", "currency", "posted_at"]

    def get_amount(self, transfer: Transfer) -> int:
        incoming = transfer.target_id == self.context["account_id"]
        return transfer.amount_minor if incoming else -transfer.amount_minor


class PayoutOut(serializers.ModelSerializer[Payout]):
    amount = serializers.IntegerField(source="amount_minor")
    failure = serializers.CharField(help_text="Why a bank or the provider refused it, if so.")

    class Meta:
        model = Payout
        fields = ["id", "amount", "currency", "status", "failure", "requested_at", "settled_at"]
