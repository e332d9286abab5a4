"""Fair pay and reputation: what work takes, what raised its pay, what came back, who said what."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, amount
from tasks.models import Rating, RequesterRecord, Return, TopUp, Wage

CURRENCY = "batch.currency"


@admin.register(Wage)
class WageAdmin(LookOnlyAdmin):
    list_display = [
        "batch", "workers", "answers", "reference_seconds", "low_seconds", "median_seconds",
        "high_seconds", amount("topup_minor", currency=CURRENCY), "is_final", "computed_at",
    ]  # fmt: skip
    list_filter = ["is_final"]
    list_select_related = ["batch__project"]


@admin.register(TopUp)
class TopUpAdmin(LargeAdmin):
    list_display = [
        "id", "batch", "worker", "rule", "number", amount("reserve_minor", currency=CURRENCY),
        amount("guarantee_minor", currency=CURRENCY), "made_at",
    ]  # fmt: skip
    list_filter = ["rule"]
    list_select_related = ["batch__project", "worker"]
    search_help_text = "A top-up's number."


@admin.register(Return)
class ReturnAdmin(LargeAdmin):
    list_display = [
        "assignment", "reason", "opening", "seconds", amount("amount_minor", currency=CURRENCY),
        "status", "made_at", "due_at",
    ]  # fmt: skip
    list_filter = ["status", "reason"]
    list_select_related = ["assignment__batch", "batch__project"]
    opening_of = "text"
    search_help_text = "An assignment's number."


@admin.register(Rating)
class RatingAdmin(LargeAdmin):
    list_display = [
        "id", "requester", "batch", "fairness", "pay", "speed", "communication", "opening",
        "made_at",
    ]  # fmt: skip
    list_select_related = ["requester", "batch__project"]
    opening_of = "text"
    search_help_text = "A rating's number."


@admin.register(RequesterRecord)
class RequesterRecordAdmin(LookOnlyAdmin):
    list_display = [
        "requester", "decided", "accepted", "rejected", "appeals", "overturned",
        "decision_p50_seconds", "decision_p95_seconds", "ratings", "computed_at",
    ]  # fmt: skip
    list_select_related = ["requester"]
