"""What rules ask of workers, and what humans are asked about them: seen, lifted, decided."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin
from tasks.checks import flags, restrict
from tasks.models import Flag, Restriction


@admin.register(Restriction)
class RestrictionAdmin(LargeAdmin):
    list_display = ["id", "worker", "batch", "kind", "value", "made_at", "until", "lifted_at"]
    list_filter = ["kind", ("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["worker", "batch__project"]
    searched_numbers = ["pk", "batch"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A restriction's or batch's number, or a WorkerId."
    actions = [
        action(
            "lift",
            "End before its time",
            lambda row, said: restrict.lift(restriction=row, actor=said.actor, now=said.now),
        ),
    ]


@admin.register(Flag)
class FlagAdmin(LargeAdmin):
    """Whatever is decided here, a suspension is an act of its own, on the worker's page."""

    list_display = ["id", "worker", "batch", "kind", "status", "made_at", "decided_by"]
    list_filter = ["status", "kind"]
    list_select_related = ["worker", "batch__project", "decided_by"]
    searched_numbers = ["pk", "batch"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A flag's or batch's number, or a WorkerId."
    actions = [
        action(
            "dismiss",
            "Nothing was wrong",
            lambda flag, said: flags.dismiss(
                flag=flag, reason=said.text, actor=said.actor, now=said.now
            ),
            asks="Reason",
        ),
        action(
            "uphold",
            "Something was wrong",
            lambda flag, said: flags.uphold(
                flag=flag, reason=said.text, actor=said.actor, now=said.now
            ),
            asks="Reason",
        ),
    ]
