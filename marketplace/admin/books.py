"""The books' own care: roll-ups, seals, incidents, and the wage floors that two people agree on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from marketplace import floor_terms
from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin, amount
from payments import floors, incidents
from payments.models import Incident, RollUp, Seal, WageFloor


@admin.register(RollUp)
class RollUpAdmin(LargeAdmin):
    list_display = ["id", "account", "through_id", "balance_minor", "made_at"]
    list_select_related = ["account"]
    searched_numbers = ["pk", "account"]
    search_help_text = "A roll-up's or account's number."


@admin.register(Seal)
class SealAdmin(LargeAdmin):
    """``manage.py check_ledger`` computes the chain anew and prints its end."""

    list_display = ["number", "first_id", "last_id", "count", "hash", "sealed_at"]
    searched_numbers = ["number"]
    search_help_text = "A seal's number."
    secret = ["sha256", "previous"]  # bytes; shown as a number of base 16 instead

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_fields(request, obj), "hash"]

    @admin.display(description="SHA-256")
    def hash(self, seal: Seal) -> str:
        return bytes(seal.sha256).hex()


@admin.register(Incident)
class IncidentAdmin(LargeAdmin):
    list_display = ["id", "kind", "subject", "found_at", "resolved_at", "resolved_by"]
    list_filter = ["kind", ("resolved_at", admin.EmptyFieldListFilter)]
    list_select_related = ["resolved_by"]
    searched_texts = ["kind", "subject"]
    search_help_text = "An incident's number, its kind, or its whole subject."
    actions = [
        action(
            "resolve",
            "Understood and dealt with",
            lambda incident, said: incidents.resolve(
                incident_id=incident.pk,
                resolution=said.text,
                actor_id=said.actor.pk,
                now=said.now,
            ),
            asks="What it was and what was done",
        ),
    ]


@admin.register(WageFloor)
class WageFloorAdmin(LookOnlyAdmin):
    """To change a rate, choose its row and propose another; a second operator approves it."""

    list_display = [
        "id",
        "jurisdiction",
        amount("per_hour_minor"),
        "valid_from",
        "valid_to",
        "checked_on",
        "proposed_by",
        "approved_by",
        "approved_at",
        "withdrawn_at",
    ]
    list_filter = [
        ("approved_at", admin.EmptyFieldListFilter),
        ("withdrawn_at", admin.EmptyFieldListFilter),
        "jurisdiction",
        "currency",
    ]
    list_select_related = ["proposed_by", "approved_by"]
    search_fields = ["jurisdiction", "currency", "source"]
    ordering = ["jurisdiction", "currency", "-valid_from"]
    actions = [
        action(
            "propose",
            "Propose another rate for this place",
            lambda floor, said: floor_terms.propose(
                jurisdiction=floor.jurisdiction,
                currency=floor.currency,
                terms=said.text,
                actor_id=said.actor.pk,
                now=said.now,
            ),
            asks="Rate, first day, #vote if it is lower, source: 12.50 2027-01-01 https://…",
        ),
        action(
            "approve",
            "Approve what another operator proposed",
            lambda floor, said: floor_terms.approve(
                floor=floor, actor_id=said.actor.pk, now=said.now
            ),
        ),
        action(
            "withdraw",
            "Refuse or take back what was proposed",
            lambda floor, said: floors.withdraw(floor_id=floor.pk, now=said.now),
        ),
        action(
            "confirm",
            "The source was read again and the rate stands",
            lambda floor, said: floors.confirm(floor_id=floor.pk, on=said.now.date()),
        ),
    ]
