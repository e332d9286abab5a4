"""``manage.py terms``: list the versions, load the shipped one, or publish the next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.management.asking import refusals, user_called
from workers import terms
from workers.models import Terms


class Command(BaseCommand):
    help = "List the versions of the terms, load the shipped one, or publish the next."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "load", "publish"])
        parser.add_argument("--file", type=Path, help="the new text, in Markdown")
        parser.add_argument("--summary", default="", help="what changes, in a few sentences")
        parser.add_argument("--effective", help="the first day, as in 2027-01-31 (UTC)")
        parser.add_argument("--by", metavar="USERNAME", help="who publishes it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "load":
            terms.load_shipped(timezone.now())
        if options["what"] == "publish":
            self._publish(options)
        if options["verbosity"]:
            for each in Terms.objects.order_by("version"):
                self.stdout.write(f"{each.version}\t{each.effective_at:%Y-%m-%d}\t{each.summary}")

    def _publish(self, options: dict[str, Any]) -> None:
        try:
            text = Path(options["file"] or "").read_text("utf-8")
            day = datetime.strptime(options["effective"] or "", "%Y-%m-%d").replace(tzinfo=UTC)
        except (OSError, ValueError) as error:
            raise CommandError(f"Give --file a text and --effective a day: {error}") from error
        with refusals():
            terms.publish(
                text=text,
                summary=options["summary"],
                effective_at=day,
                published_by=user_called(options["by"]) if options["by"] else None,
                now=timezone.now(),
            )
