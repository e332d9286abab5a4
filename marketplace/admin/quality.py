"""Quality: reports, reviews, predictions, forecasts, and where labels come from."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from marketplace.admin.look import LargeAdmin, LookOnlyAdmin
from tasks.models import Forecast, Prediction, Predictor, Provenance, Report, Review


@admin.register(Report)
class ReportAdmin(LookOnlyAdmin):
    list_display = ["batch", "computed_at"]
    list_select_related = ["batch__project"]
    search_fields = ["batch__project__title"]
    date_hierarchy = "computed_at"


@admin.register(Review)
class ReviewAdmin(LargeAdmin):
    list_display = ["id", "batch", "task", "reason", "status", "confidence", "created_at"]
    list_select_related = ["batch__project", "task"]
    searched_numbers = ["pk", "batch", "task"]
    search_help_text = "A review's, batch's or task's number."


@admin.register(Predictor)
class PredictorAdmin(LookOnlyAdmin):
    list_display = ["id", "project", "name", "version", "kind", "created_at"]
    list_select_related = ["project"]
    search_fields = ["name", "project__title"]


@admin.register(Prediction)
class PredictionAdmin(LargeAdmin):
    list_display = ["id", "predictor", "task", "opening", "score", "created_at"]
    list_select_related = ["predictor", "task"]
    opening_of = "value"
    searched_numbers = ["pk", "task"]
    search_help_text = "A prediction's or task's number."


@admin.register(Forecast)
class ForecastAdmin(LookOnlyAdmin):
    list_display = ["id", "batch", "basis", "made_at", "scored_at"]
    list_select_related = ["batch__project"]
    search_fields = ["batch__project__title"]
    date_hierarchy = "made_at"


@admin.register(Provenance)
class ProvenanceAdmin(LargeAdmin):
    list_display = ["id", "batch", "number", "task", "hash", "created_at"]
    list_select_related = ["batch__project", "task"]
    searched_numbers = ["pk", "batch", "task"]
    search_help_text = "A link's, batch's or task's number."
    secret = ["sha256", "previous"]  # bytes; shown as a number of base 16 instead

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_fields(request, obj), "hash"]

    @admin.display(description="SHA-256")
    def hash(self, link: Provenance) -> str:
        return bytes(link.sha256).hex()
