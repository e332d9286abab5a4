"""``manage.py forecast``: what a batch will cost and yield, as the API says it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tasks.errors import TasksError
from tasks.foresight import foresee
from tasks.models import Batch, Forecast


class Command(BaseCommand):
    help = (
        "Forecast a draft from assumptions, or with --pilot any batch that is not over from its "
        "own answers, or those of the project's batch before it. The forecast is kept, and scored "
        "when the batch has ended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch", type=int, help="its id")
        parser.add_argument("--pilot", action="store_true", help="from answers")
        parser.add_argument("--accuracy", type=float, nargs=2, metavar=("LOW", "HIGH"))
        parser.add_argument("--seconds", type=float, nargs=2, metavar=("LOW", "HIGH"))
        parser.add_argument("--workers-per-hour", type=float)
        parser.add_argument("--answers-per-worker", type=float)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        batch = Batch.objects.filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no batch {options['batch']}.")
        try:
            made = _made(batch, options)
        except TasksError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"id": made.pk, "basis": made.basis, **made.data}))
            return
        for name, bounds in made.data["intervals"].items():
            low, mid, high = (f"{bounds[end]:,.6g}" for end in ("low", "mid", "high"))
            self.stdout.write(f"{name:18}{low:>12}{mid:>12}{high:>12}")
        for name, why in made.data["unknown"].items():
            self.stdout.write(f"{name:18}{why}")
        for said in made.data["assumptions"]:
            self.stdout.write(f"- {said}")


def _made(batch: Batch, options: dict[str, Any]) -> Forecast:
    now = timezone.now()
    names = ("accuracy", "seconds", "workers_per_hour", "answers_per_worker")
    stated = {name: options[name] for name in names if options[name] is not None}
    if not options["pilot"]:
        return foresee.from_assumptions(batch=batch, **stated, now=now)
    if stated:
        raise CommandError("A forecast from a pilot takes no assumptions.")
    return foresee.from_pilot(batch=batch, now=now)
