"""``manage.py transparency``: the public report before it is public, for the operator alone."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.disclosure import quarters
from tasks.disclosure.report import document


class Command(BaseCommand):
    help = (
        "Show a quarter's public report as it would be now, also of a quarter that still runs. Do"
        " not publish it: the difference to a later one can tell of few people."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("quarter", help="such as 2026Q4")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            quarter = quarters.parse(options["quarter"])
        except ValueError as error:
            raise CommandError(f"{error}") from None
        self.stdout.write(json.dumps(document(quarter), indent=1))
