"""``manage.py check_invariants``: whether everything holds that must always hold."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from payments import audit
from tasks import invariants

# The ledger has its own audit; here it is one invariant among the others.
BALANCE = "the books balance"
BALANCE_SENTENCE = "Nothing was made or lost: every balance is the sum of its transfers."


class Command(BaseCommand):
    help = "Ask all rows what must always hold; exit 1 and show the rows when something does not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--limit", type=int, default=20, help="rows shown of each invariant")
        parser.add_argument(
            "--late",
            type=float,
            default=invariants.LATE.total_seconds(),
            metavar="SECONDS",
            help="how long a job's work may wait; raise it when the jobs were stopped for a while",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = [*self._asked(options), balance(options["limit"])]
        if options["json"]:
            self.stdout.write(json.dumps({"invariants": found}, cls=DjangoJSONEncoder, indent=1))
        else:
            for each in found:
                self._print(each)
        broken = sum(each["broken"] > 0 for each in found)
        if broken:
            raise CommandError(f"{broken} of {len(found)} invariants are broken.")

    def _asked(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        now, late = timezone.now(), timedelta(seconds=options["late"])
        found = []
        for invariant in invariants.INVARIANTS:
            broken = invariants.check(invariant, now=now, late=late, limit=options["limit"])
            found.append(
                {
                    "name": invariant.name,
                    "sentence": invariant.sentence,
                    "broken": broken.total if broken else 0,
                    "rows": broken.rows if broken else [],
                }
            )
        return found

    def _print(self, found: dict[str, Any]) -> None:
        if not found["broken"]:
            self.stdout.write(f"ok      {found['name']}")
            return
        self.stdout.write(self.style.ERROR(f"BROKEN  {found['name']}: {found['broken']} rows"))
        self.stdout.write(f"        {found['sentence']}")
        for row in found["rows"]:
            facts = (f"{name} {value}" for name, value in row.items() if value is not None)
            self.stdout.write(f"        {', '.join(facts)}")
        if found["broken"] > len(found["rows"]):
            self.stdout.write(f"        and {found['broken'] - len(found['rows'])} more")


def balance(limit: int) -> dict[str, Any]:
    """Return what the audit of the ledger says, in the shape of the other invariants."""
    imbalances = audit.imbalances()
    return {
        "name": BALANCE,
        "sentence": BALANCE_SENTENCE,
        "broken": len(imbalances),
        "rows": [each._asdict() for each in imbalances[:limit]],
    }
