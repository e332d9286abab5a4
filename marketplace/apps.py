from __future__ import annotations

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"

    def ready(self) -> None:
        """Let the API's schema know how callers sign in."""
        from marketplace.api import schema  # noqa: F401, PLC0415  (needs the loaded apps)
