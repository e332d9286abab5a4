"""``manage.py verify_provenance [BATCH…]``: whether labels are as they were recorded."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet

from marketplace.management.asking import batch_numbered
from tasks.models import Batch, Provenance
from tasks.provenance import RECORDED, Difference, Verdict, verify
from workers.models import Event


class Command(BaseCommand):
    help = (
        "Compute each chain of provenance anew and hold its records against the rows; exit 1 and"
        " name the first differences when something was changed, added or lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", nargs="*", type=int, help="all batches if left out")
        parser.add_argument(
            "--head",
            action="store_true",
            help="print the hash that each chain ends with, to be published elsewhere",
        )
        parser.add_argument("--limit", type=int, default=20, help="differences shown of each batch")

    def handle(self, *args: Any, **options: Any) -> None:
        batches = [batch_numbered(each) for each in options["batch_id"]]
        changed = 0
        for batch in batches or _recorded():
            verdict = verify(batch, most=options["limit"])
            self._print(verdict, head=options["head"])
            changed += verdict.broken > 0
        if changed:
            raise CommandError(f"{changed} batches are not as they were recorded.")

    def _print(self, verdict: Verdict, *, head: bool) -> None:
        end = f", head {verdict.head.hex()}" if head and verdict.links else ""
        if verdict.broken:
            said = f"CHANGED batch {verdict.batch}: {verdict.broken} differences, "
            said += f"{verdict.verified} of {verdict.links} labels verified"
            self.stdout.write(self.style.ERROR(said + end))
        elif not verdict.is_complete:
            said = f"{verdict.verified} labels verified, not all recorded yet"
            self.stdout.write(f"so far  batch {verdict.batch}: {said}{end}")
        else:
            said = f"{verdict.verified} labels verified"
            self.stdout.write(f"ok      batch {verdict.batch}: {said}{end}")
        for each in verdict.differences:
            self.stdout.write(f"        {_place(each)}{each.what}")
        if verdict.broken > len(verdict.differences):
            self.stdout.write(f"        and {verdict.broken - len(verdict.differences)} more")


def _recorded() -> QuerySet[Batch]:
    """Return every batch that has links, or had them."""
    told = Event.objects.filter(kind=RECORDED, subject_kind="batch").values("subject_id")
    linked = Q(pk__in=Provenance.objects.values("batch")) | Q(pk__in=told)
    return Batch.objects.filter(linked).order_by("pk")


def _place(difference: Difference) -> str:
    link = f"link {difference.link}" if difference.link else ""
    task = f"task {difference.task}" if difference.task else ""
    place = ", ".join(each for each in (link, task) if each)
    return f"{place}: " if place else ""
