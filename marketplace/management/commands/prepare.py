"""``manage.py prepare``: everything a new release asks of the database, in one go."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Apply the migrations, and load the wage floors and terms that came with this release."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run each part; running it again changes nothing."""
        verbosity = options["verbosity"]
        call_command("migrate", verbosity=verbosity)
        call_command("floors", "load", verbosity=verbosity)
        call_command("terms", "load", verbosity=verbosity)
