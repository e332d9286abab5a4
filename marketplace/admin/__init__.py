"""The operator's pages: look at everything, do what a verb does, edit nothing.

One module per app. Django's stock admin, so that its looks and its address are what everybody
knows; but every change goes through a verb, with its rules and its event, never through a form
over a row.
"""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

from marketplace.admin import (
    books,
    edge,
    hearings,
    pay,
    payments,
    provider,
    quality,
    standing,
    tasks,
    voice,
    workers,
)

__all__ = [
    "books",
    "edge",
    "hearings",
    "pay",
    "payments",
    "provider",
    "quality",
    "standing",
    "tasks",
    "voice",
    "workers",
]

admin.site.site_header = admin.site.site_title = "Crowdwright"
admin.site.index_title = "Everything there is"
# The pages of an account log in, because they count attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
