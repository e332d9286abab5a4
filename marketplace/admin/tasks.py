"""Work: projects, batches, tasks, who was given what, what they said and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, LookOnlyInline, amount
from tasks import publish
from tasks.models import (
    Answer,
    Assignment,
    Batch,
    Consensus,
    Cursor,
    Gold,
    Progress,
    Project,
    ProjectVersion,
    Task,
    TaskInput,
)


class VersionInline(LookOnlyInline):
    model = ProjectVersion
    fields = ["number", "instructions", "interface", "created_at"]


@admin.register(Project)
class ProjectAdmin(LookOnlyAdmin):
    list_display = ["id", "title", "requester", "created_at"]
    list_select_related = ["requester"]
    search_fields = ["title", "requester__username"]
    date_hierarchy = "created_at"
    inlines = [VersionInline]
    related = [
        ("tasks_batch", "project"),
        ("workers_skill", "project_id"),
    ]


@admin.register(ProjectVersion)
class ProjectVersionAdmin(LookOnlyAdmin):
    list_display = ["id", "project", "number", "created_at"]
    list_select_related = ["project"]
    search_fields = ["project__title"]
    date_hierarchy = "created_at"
    related = [
        ("tasks_batch", "version"),
    ]


class ProgressInline(LookOnlyInline):
    model = Progress


@admin.register(Batch)
class BatchAdmin(LookOnlyAdmin):
    list_display = [
        "id",
        "project",
        "requester",
        "status",
        amount("reward_minor"),
        amount("budget_minor"),
        "task_count",
        "overlap",
        "created_at",
        "published_at",
        "closed_at",
    ]
    list_filter = ["status", "currency", "aggregation"]
    list_select_related = ["project__requester"]
    search_fields = ["project__title", "project__requester__username"]
    date_hierarchy = "created_at"
    inlines = [ProgressInline]
    subject = "batch"
    related = [
        ("tasks_task", "batch"),
        ("tasks_assignment", "batch"),
        ("tasks_cursor", "batch"),
        ("tasks_restriction", "batch"),
        ("tasks_flag", "batch"),
    ]
    actions = [
        action(
            "pause",
            "Hand out no more tasks for now",
            lambda batch, said: publish.pause(batch=batch, actor=said.actor, now=said.now),
        ),
        action(
            "resume",
            "Hand out tasks again",
            lambda batch, said: publish.resume(batch=batch, actor=said.actor, now=said.now),
        ),
        action(
            "close",
            "Withdraw what nobody has claimed, and refund the rest",
            lambda batch, said: publish.close(batch=batch, actor=said.actor, now=said.now),
        ),
    ]

    @admin.display(ordering="project__requester__username")
    def requester(self, batch: Batch) -> str:
        return batch.project.requester.username


class InputInline(LookOnlyInline):
    model = TaskInput


class GoldInline(LookOnlyInline):
    model = Gold
    fk_name = "task"


class ConsensusInline(LookOnlyInline):
    model = Consensus


@admin.register(Task)
class TaskAdmin(LargeAdmin):
    list_display = ["id", "batch", "lane", "overlap", "remaining_overlap", "is_open", "expires_at"]
    list_filter = ["lane", "is_open"]
    list_select_related = ["batch__project"]
    searched_numbers = ["pk", "batch"]
    search_help_text = "A task's or batch's number."
    inlines = [InputInline, GoldInline, ConsensusInline]
    related = [
        ("tasks_assignment", "task"),
    ]


@admin.register(TaskInput)
class TaskInputAdmin(LargeAdmin):
    list_display = ["task", "external_id", "opening"]
    opening_of = "data"
    list_select_related = ["task"]
    search_help_text = "A task's number."


@admin.register(Gold)
class GoldAdmin(LargeAdmin):
    list_display = ["task", "opening"]
    opening_of = "answer"
    list_select_related = ["task"]
    search_help_text = "A task's number."


@admin.register(Cursor)
class CursorAdmin(LargeAdmin):
    list_display = ["id", "batch", "worker", "pseudonym", "rescan_at"]
    list_select_related = ["batch__project", "worker"]
    searched_numbers = ["batch"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A batch's number, or a WorkerId."


class AnswerInline(LookOnlyInline):
    model = Answer
    fields = ["value", "created_at"]


@admin.register(Assignment)
class AssignmentAdmin(LargeAdmin):
    list_display = [
        "id",
        "task",
        "batch",
        "worker",
        "status",
        "is_gold",
        amount("reward_minor", currency="batch.currency"),
        "claimed_at",
        "submitted_at",
        "finished_at",
        "paid_at",
    ]
    list_filter = ["status", "is_gold"]
    list_select_related = ["task", "batch__project", "worker"]
    searched_numbers = ["pk", "task"]
    searched_texts = ["worker__public_id"]
    search_help_text = "An assignment's or task's number, or a WorkerId."
    inlines = [AnswerInline]


@admin.register(Answer)
class AnswerAdmin(LargeAdmin):
    list_display = ["assignment", "opening", "created_at", "hash"]
    opening_of = "value"
    list_select_related = ["assignment"]
    search_help_text = "An assignment's number."
    secret = ["sha256"]  # bytes; shown as a number of base 16 instead

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_fields(request, obj), "hash"]

    @admin.display(description="SHA-256")
    def hash(self, answer: Answer) -> str:
        return bytes(answer.sha256).hex()


@admin.register(Consensus)
class ConsensusAdmin(LargeAdmin):
    list_display = [
        "id",
        "task",
        "name",
        "opening",
        "confidence",
        "method",
        "answers",
        "aggregated_at",
    ]
    list_select_related = ["task"]
    opening_of = "value"
    searched_numbers = ["pk", "task"]
    search_help_text = "A consensus's or task's number."


@admin.register(Progress)
class ProgressAdmin(LookOnlyAdmin):
    list_display = [
        "batch",
        "tasks_done",
        "open_slots",
        "active",
        "submitted",
        "accepted",
        "rejected",
        "workers",
        "median_seconds",
        "confidence",
        "counted_at",
    ]
    list_select_related = ["batch__project"]
    search_fields = ["batch__project__title"]
