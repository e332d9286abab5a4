"""``manage.py floors``: the wage floors in force, those of the release, and a place's first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace import floor_terms
from marketplace.management.asking import refusals, user_called
from payments import floors
from payments.models import WageFloor
from payments.money import Money


class Command(BaseCommand):
    help = "List the wage floors, load those of the release, or propose one."

    def add_arguments(self, parser: CommandParser) -> None:
        moves = parser.add_subparsers(dest="move", metavar="list|load|propose")
        moves.add_parser("list", help="those in force, and those whose source is a year old")
        moves.add_parser("load", help="add the release's floors that are not there yet")
        propose = moves.add_parser("propose", help="write one down; another operator approves it")
        propose.add_argument("place", help="platform, or ISO 3166 such as DE or US-CA")
        propose.add_argument("currency", help="ISO 4217, such as USD")
        propose.add_argument("terms", help="'12.50 2027-01-01 #17 source'; #17 is the vote, if any")
        propose.add_argument("--by", required=True, help="the operator's username")

    def handle(self, *args: Any, **options: Any) -> None:
        move = options["move"]
        if move == "load":
            added = floors.load_shipped(timezone.now())
            if options["verbosity"]:
                self.stdout.write(f"{added} wage floors added.")
        elif move == "propose":
            self._propose(options)
        else:
            self._list()

    def _propose(self, options: dict[str, Any]) -> None:
        operator = user_called(options["by"])
        if not operator.is_staff:
            raise CommandError(f"{operator.username} is no operator.")
        with refusals():
            floor = floor_terms.propose(
                jurisdiction=options["place"],
                currency=options["currency"],
                terms=options["terms"],
                actor_id=operator.pk,
                now=timezone.now(),
            )
        self.stdout.write(f"Floor {floor.pk} is proposed; another operator approves it.")

    def _list(self) -> None:
        today = timezone.now().date()
        for floor in floors.holding(on=today).order_by("jurisdiction", "currency"):
            self.stdout.write(f"{line(floor)}\t{floor.source}")
        for floor in floors.stale(on=today):
            self.stderr.write(f"Read the source again, last read {floor.checked_on}: {line(floor)}")


def line(floor: WageFloor) -> str:
    """Return a floor's place, rate and first day, with tabs between them."""
    rate = Money(floor.per_hour_minor, floor.currency)
    return f"{floor.jurisdiction}\t{rate} an hour\tfrom {floor.valid_from}"
