"""Actions: the operator selects rows, is asked once more, and a verb is called for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from marketplace.admin.look import ModelAdmin
from marketplace.api.errors import DOMAIN
from workers.models import User

ROWS_MAX = 500


class Said(NamedTuple):
    """Who said what to the question, and when."""

    text: str  # empty when nothing was asked but "are you sure"
    actor: User
    now: datetime


Verb = Callable[[Any, Said], object]
Action = Callable[[ModelAdmin, HttpRequest, QuerySet[Any]], TemplateResponse | None]


class Question(forms.Form):
    """Are you sure? And, where a verb wants to know: why, or by what reference?"""

    confirmed = forms.BooleanField(widget=forms.HiddenInput, initial=True)

    def __init__(self, *args: Any, asks: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks:
            self.fields["text"] = forms.CharField(label=asks, max_length=2_000)


def action(name: str, label: str, verb: Verb, *, asks: str = "") -> Action:
    """An action that calls ``verb`` for each row once the operator has answered.

    A refusal of one row is shown and keeps no other from being done. What was done is also in the
    admin's own history, beside the events that verbs record.
    """

    @admin.action(description=label)
    def act(
        model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]
    ) -> TemplateResponse | None:
        rows = list(queryset.order_by("pk")[: ROWS_MAX + 1])
        if len(rows) > ROWS_MAX:
            message = f"Choose at most {ROWS_MAX} at once."
            model_admin.message_user(request, message, messages.ERROR)
            return None
        form = Question(request.POST if "confirmed" in request.POST else None, asks=asks)
        if not form.is_valid():
            return ask(model_admin, request, rows, form, name=name, label=label)
        assert isinstance(request.user, User)
        said = Said(form.cleaned_data.get("text", ""), request.user, timezone.now())
        for row in rows:
            try:
                verb(row, said)
            except DOMAIN as error:
                model_admin.message_user(request, f"{row}: {error}", messages.ERROR)
            else:
                model_admin.log_change(request, row, f"{label} {said.text}".strip())
                model_admin.message_user(request, f"{row}: done.", messages.SUCCESS)
        return None

    act.__name__ = name
    return act


def ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    rows: list[Any],
    form: Question,
    *,
    name: str,
    label: str,
) -> TemplateResponse:
    """Show what is about to be done, to what, and the question."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": label,
        "opts": model_admin.opts,
        "rows": rows,
        "form": form,
        "action": name,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/ask.html", context)
