"""``manage.py token USERNAME``: a token to call the API with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.api import keys
from marketplace.management.asking import user_called

NAME_LENGTH = 100  # characters, as many as ApiKey has room for


class Command(BaseCommand):
    help = "Make a token and print it: this once, since only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose calls they will be")
        parser.add_argument("--name", default="command line", help="to recognise the token by")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < len(options["name"]) <= NAME_LENGTH:
            raise CommandError(f"The name must have 1 to {NAME_LENGTH} characters.")
        user = user_called(options["username"])
        _, token = keys.make(user=user, name=options["name"], now=timezone.now())
        self.stdout.write(token)
