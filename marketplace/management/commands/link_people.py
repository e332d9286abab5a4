"""``manage.py link_people KEPT ABSORBED``: two accounts turned out to be one human being."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from marketplace.management.asking import refusals, user_called
from tasks import persons
from workers import people


class Command(BaseCommand):
    help = (
        "Make the accounts of two users those of one person, who is then given no task twice."
        " This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kept", metavar="KEPT_USERNAME")
        parser.add_argument("absorbed", metavar="ABSORBED_USERNAME")

    def handle(self, *args: Any, **options: Any) -> None:
        kept, absorbed = user_called(options["kept"]), user_called(options["absorbed"])
        # Together, so that no claim comes between the accounts and their assignments.
        with refusals(), transaction.atomic():
            absorbed_id = people.link(
                kept=kept.person, absorbed=absorbed.person, now=timezone.now(), actor=None
            )
            moved = persons.move_assignments(kept_id=kept.person_id, absorbed_id=absorbed_id)
        self.stdout.write(
            f"{kept.username} and {absorbed.username} are one person; {moved} assignments moved."
        )
