"""The web process."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
os.environ.setdefault("DB_POOL", "1")
application = get_wsgi_application()
# Importing every view takes seconds: at the start, not in the first caller's request.
get_resolver().url_patterns  # noqa: B018
