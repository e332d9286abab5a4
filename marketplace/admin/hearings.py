"""Refused pay and standing: what waits for a human, and what humans decided, with their reasons."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, LookOnlyInline, amount
from tasks.hearings import appeals, rejections
from tasks.models import Appeal, Juror, Rejection
from workers import decisions
from workers.models import Decision, StandingAppeal


class AppealInline(LookOnlyInline):
    model = Appeal


@admin.register(Rejection)
class RejectionAdmin(LargeAdmin):
    """Those that wait: read the task and the answer, then agree or decline before it is due."""

    list_display = [
        "assignment", "status", "code", "opening", "made_by", "made_at", "due", "appeal_until",
        amount("effort_minor", currency="assignment.batch.currency"), "final_at",
    ]  # fmt: skip
    list_filter = ["status", "code"]
    list_select_related = ["assignment__batch", "made_by"]
    opening_of = "reason"
    search_help_text = "An assignment's number."
    inlines = [AppealInline]
    actions = [
        action(
            "confirm",
            "Agree: the answer is rejected",
            lambda rejection, said: rejections.confirm(
                rejection=rejection, words=said.text, actor=said.actor, now=said.now
            ),
            asks="What you found",
        ),
        action(
            "decline",
            "Decline: the answer is accepted and paid",
            lambda rejection, said: rejections.decline(
                rejection=rejection, words=said.text, actor=said.actor, now=said.now
            ),
            asks="What you found",
        ),
    ]

    @admin.display(description="a human is due by")
    def due(self, rejection: Rejection) -> datetime | None:
        waits = rejection.status == Rejection.Status.WAITING
        return rejection.assignment.accept_due_at if waits else None


class JurorInline(LookOnlyInline):
    model = Juror
    fields = ["seat", "vote", "reason", "voted_at", "pay_minor", "currency", "paid_at"]


@admin.register(Appeal)
class AppealAdmin(LargeAdmin):
    """Those with the status human wait for you; both sides read what you answer."""

    list_display = ["rejection", "status", "opening", "made_at", "due_at", "outcome", "decided_at"]
    list_filter = ["status", "outcome"]
    list_select_related = ["rejection"]
    opening_of = "message"
    search_help_text = "An assignment's number."
    inlines = [JurorInline]
    actions = [
        action(
            "overturn",
            "The worker is right: pay in full",
            lambda appeal, said: appeals.decide_by_human(
                appeal=appeal,
                outcome=Appeal.Outcome.OVERTURNED,
                answer=said.text,
                actor=said.actor,
                now=said.now,
            ),
            asks="Your answer",
        ),
        action(
            "uphold",
            "The rejection stands",
            lambda appeal, said: appeals.decide_by_human(
                appeal=appeal,
                outcome=Appeal.Outcome.UPHELD,
                answer=said.text,
                actor=said.actor,
                now=said.now,
            ),
            asks="Your answer",
        ),
    ]


@admin.register(Juror)
class JurorAdmin(LargeAdmin):
    list_display = [
        "id", "appeal", "seat", "worker", "vote", "joined_at", "voted_at", amount("pay_minor"),
        "paid_at",
    ]  # fmt: skip
    list_select_related = ["appeal", "worker"]
    searched_numbers = ["pk", "appeal"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A juror's or assignment's number, or a WorkerId."


@admin.register(Decision)
class DecisionAdmin(LargeAdmin):
    list_display = [
        "id", "kind", "subject_kind", "subject_id", "concerns", "made_by", "opening", "made_at",
        "appeal_until",
    ]  # fmt: skip
    list_filter = ["kind"]
    list_select_related = ["concerns", "made_by"]
    opening_of = "reasons"
    searched_texts = ["concerns__username"]
    search_help_text = "A decision's number, or a username."


@admin.register(StandingAppeal)
class StandingAppealAdmin(LookOnlyAdmin):
    """Appeals against suspensions, closures and limits. A limit is lifted on its own page."""

    list_display = ["id", "decision", "made_at", "due_at", "answered_by", "answered_at"]
    list_filter = [("answered_at", admin.EmptyFieldListFilter)]
    list_select_related = ["decision", "answered_by"]
    ordering = ["answered_at", "due_at"]
    actions = [
        action(
            "reverse",
            "Undo the decision",
            lambda appeal, said: decisions.answer(
                appeal=appeal, reverse=True, reasons=said.text, actor=said.actor, now=said.now
            ),
            asks="Your answer",
        ),
        action(
            "uphold",
            "The decision stands",
            lambda appeal, said: decisions.answer(
                appeal=appeal, reverse=False, reasons=said.text, actor=said.actor, now=said.now
            ),
            asks="Your answer",
        ),
    ]
