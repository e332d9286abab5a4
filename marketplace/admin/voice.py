"""What binds everybody, and what workers have decided.

Not here, on purpose: the posts of the workers' forum and the ballots of their votes. Nobody who
runs the site reads those (Directive (EU) 2024/2831, article 20).
"""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin.look import LargeAdmin, LookOnlyAdmin
from workers.models import Consent, Office, Proposal, Terms


@admin.register(Terms)
class TermsAdmin(LookOnlyAdmin):
    """New versions are published with ``manage.py terms``."""

    list_display = ["version", "summary", "published_at", "effective_at", "published_by"]
    list_select_related = ["published_by"]
    search_fields = ["summary"]
    subject = "terms"
    related = [("workers_consent", "terms")]


@admin.register(Consent)
class ConsentAdmin(LargeAdmin):
    list_display = ["id", "user", "terms", "given_at"]
    list_select_related = ["user", "terms"]
    searched_texts = ["user__username"]
    search_help_text = "A consent's number, or a username."


@admin.register(Proposal)
class ProposalAdmin(LookOnlyAdmin):
    list_display = [
        "id",
        "kind",
        "title",
        "opened_at",
        "closes_at",
        "yes",
        "no",
        "outcome",
    ]
    list_filter = ["kind", "outcome"]
    search_fields = ["title"]
    date_hierarchy = "opened_at"
    subject = "proposal"
    related = [("workers_office", "proposal")]


@admin.register(Office)
class OfficeAdmin(LookOnlyAdmin):
    list_display = ["id", "worker", "kind", "since", "until"]
    list_filter = ["kind"]
    list_select_related = ["worker"]
    search_fields = ["worker__public_id"]
