"""``manage.py erase USERNAME``: close an account at its owner's wish, and erase what names them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace import leaving
from marketplace.management.asking import refusals, user_called


class Command(BaseCommand):
    help = (
        "Close an account because its owner has asked for it, pay out what they earned where that"
        " is possible, and erase all that names them. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--confirm", required=True, help="the username once more")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_called(options["username"])
        if user_called(options["confirm"]) != user:
            raise CommandError("The two usernames differ; nothing was done.")
        with refusals():
            pseudonym = leaving.erase(user=user, now=timezone.now())
        self.stdout.write(f"Erased. The account is {pseudonym} from now on.")
