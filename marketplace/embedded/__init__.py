"""A private PostgreSQL and a private Redis, for whoever has not brought their own.

Asking for a URL starts the server behind it unless it runs already: the programs come from
wheels, the state lives under ``var/``, and the servers outlive whoever started them. Nothing
here knows Django, so ``settings.py`` can ask while it is being read.
"""

from __future__ import annotations

from marketplace.embedded.errors import EmbeddedError
from marketplace.embedded.paths import var_dir
from marketplace.embedded.servers import celery_url, database_url, redis_url, status, stop

__all__ = ["EmbeddedError", "celery_url", "database_url", "redis_url", "status", "stop", "var_dir"]
