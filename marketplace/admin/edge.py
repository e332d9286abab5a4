"""The edge's own memory: keys, stored replies, heartbeats of jobs, e-mail addresses."""

from __future__ import annotations

from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib import admin

from marketplace.admin.act import action
from marketplace.admin.look import LargeAdmin, LookOnlyAdmin
from marketplace.api import keys
from marketplace.models import ApiKey, Heartbeat, StoredResponse

# Their stock pages let an address be verified by hand; a confirmation would even show its key.
for model in EmailAddress, EmailConfirmation:
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(EmailAddress)
class EmailAddressAdmin(LookOnlyAdmin):
    list_display = ["email", "user", "primary", "verified"]
    list_filter = ["primary", "verified"]
    list_select_related = ["user"]
    search_fields = ["email", "user__username"]


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnlyAdmin):
    list_display = [
        "prefix",
        "name",
        "user",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["prefix", "name", "user__username"]
    date_hierarchy = "created_at"
    secret = ["digest"]
    actions = [
        action(
            "revoke",
            "Refuse these keys from now on",
            lambda key, said: keys.revoke(key=key, now=said.now),
        ),
    ]


@admin.register(StoredResponse)
class StoredResponseAdmin(LargeAdmin):
    list_display = ["id", "user", "key", "status", "created_at"]
    list_select_related = ["user"]
    searched_texts = ["user__username"]
    search_help_text = "A reply's number, or a username."


@admin.register(Heartbeat)
class HeartbeatAdmin(LookOnlyAdmin):
    list_display = ["job", "finished_at", "done"]
    ordering = ["job"]
