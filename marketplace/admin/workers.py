"""People: accounts, workers, what is certified and estimated of them, and what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.postgres.aggregates import StringAgg
from django.db.models import QuerySet, Value
from django.http import HttpRequest

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin
from workers import standing
from workers.models import (
    Block,
    Event,
    Person,
    Qualification,
    QualificationType,
    Skill,
    User,
    Worker,
)

if admin.site.is_registered(Group):
    admin.site.unregister(Group)  # roles are fields of the user; groups would mean nothing


@admin.register(Person)
class PersonAdmin(LookOnlyAdmin):
    list_display = ["id", "usernames", "merged_into"]
    list_filter = [("merged_into", admin.EmptyFieldListFilter)]
    list_select_related = ["merged_into"]
    search_fields = ["users__username"]
    subject = "person"
    related = [
        ("workers_user", "person"),
        ("workers_person", "merged_into"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        usernames = StringAgg("users__username", Value(", "), distinct=True)
        named: QuerySet[Any] = super().get_queryset(request).annotate(usernames=usernames)
        return named

    @admin.display(description="accounts")
    def usernames(self, person: Any) -> Any:
        return person.usernames or ""


@admin.register(User)
class UserAdmin(LookOnlyAdmin):
    list_display = [
        "username",
        "email",
        "is_requester",
        "works_as",
        "is_staff",
        "is_active",
        "person",
        "date_joined",
    ]
    list_filter = ["is_requester", "is_staff", "is_active"]
    list_select_related = ["worker", "person"]
    search_fields = ["username", "email", "worker__public_id"]
    date_hierarchy = "date_joined"
    secret = ["password"]
    subject = "user"
    related = [
        ("workers_worker", "user"),
        ("tasks_project", "requester"),
        ("payments_account", "owner"),
        ("payments_payout", "owner"),
        ("marketplace_apikey", "user"),
        ("workers_event", "actor"),
    ]

    @admin.display(description="worker")
    def works_as(self, user: User) -> Worker | None:
        return user.worker_or_none


@admin.register(Worker)
class WorkerAdmin(LookOnlyAdmin):
    list_display = ["public_id", "user", "status", "country", "subdivision", "created_at"]
    list_filter = ["status", "country"]
    list_select_related = ["user"]
    search_fields = ["public_id", "user__username"]
    date_hierarchy = "created_at"
    subject = "worker"
    related = [
        ("tasks_assignment", "worker"),
        ("tasks_cursor", "worker"),
        ("workers_qualification", "worker"),
        ("workers_skill", "worker"),
        ("workers_block", "worker"),
        ("tasks_restriction", "worker"),
        ("tasks_flag", "worker"),
    ]
    actions = [
        action(
            "suspend",
            "Suspend until reinstated",
            lambda worker, said: standing.suspend(
                worker=worker, reason=said.text, now=said.now, actor=said.actor
            ),
            asks="Reason",
        ),
        action(
            "reinstate",
            "Let work again",
            lambda worker, said: standing.reinstate(
                worker=worker, reason=said.text, now=said.now, actor=said.actor
            ),
            asks="Reason",
        ),
        action(
            "close",
            "Close the account for good",
            lambda worker, said: standing.close(
                worker=worker, reason=said.text, now=said.now, actor=said.actor
            ),
            asks="Reason",
        ),
    ]


@admin.register(QualificationType)
class QualificationTypeAdmin(LookOnlyAdmin):
    list_display = ["id", "name", "requester", "status", "created_at"]
    list_filter = ["status"]
    list_select_related = ["requester"]
    search_fields = ["name", "requester__username"]
    date_hierarchy = "created_at"
    subject = "qualification_type"
    related = [
        ("workers_qualification", "type"),
    ]


@admin.register(Qualification)
class QualificationAdmin(LargeAdmin):
    list_display = ["id", "type", "worker", "value", "status", "granted_at", "revoked_at"]
    list_filter = ["status"]
    list_select_related = ["type", "worker"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A qualification's number, or a WorkerId."


@admin.register(Block)
class BlockAdmin(LookOnlyAdmin):
    list_display = ["id", "requester", "worker", "direction", "reason", "created_at", "lifted_at"]
    list_filter = ["direction", ("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["requester", "worker"]
    search_fields = ["requester__username", "worker__public_id"]
    date_hierarchy = "created_at"


@admin.register(Skill)
class SkillAdmin(LargeAdmin):
    list_display = [
        "id",
        "worker",
        "project_id",
        "source",
        "estimate",
        "low",
        "high",
        "answers",
        "estimated_at",
    ]
    list_filter = ["source"]
    list_select_related = ["worker"]
    searched_numbers = ["pk", "project_id"]
    searched_texts = ["worker__public_id"]
    search_help_text = "A skill's or project's number, or a WorkerId."


@admin.register(Event)
class EventAdmin(LargeAdmin):
    list_display = ["id", "at", "kind", "subject_kind", "subject_id", "actor", "opening"]
    list_select_related = ["actor"]
    opening_of = "data"
    search_help_text = "An event's number, or its subject, as in: batch 7"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the history of one row besides."""
        match search_term.split():
            case [kind, number] if number.isascii() and number.isdigit():
                return queryset.filter(subject_kind=kind, subject_id=number), False
        return super().get_search_results(request, queryset, search_term)
