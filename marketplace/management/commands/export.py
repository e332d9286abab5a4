"""``manage.py export BATCH``: what came of a batch, as the API gives it to its requester."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.api.cards import card_of
from marketplace.api.downloads import FORMATS, VIEWS, exported
from marketplace.management.asking import batch_numbered
from tasks.models import Batch

CARD = "card"


class Command(BaseCommand):
    help = (
        "Write a batch's results, answers, workers or provenance, however many there are; or its"
        " dataset card, which is JSON-LD and speaks of files beside it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", type=int)
        parser.add_argument("--what", choices=sorted([*VIEWS, CARD]), default="results")
        parser.add_argument("--format", choices=sorted(FORMATS), default="ndjson")
        parser.add_argument("--output", type=Path, help="a file; standard output if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = batch_numbered(options["batch_id"])
        parts = _parts(batch, options["what"], options["format"])
        if options["output"] is None:
            for part in parts:
                self.stdout.write(part.decode(), ending="")
            return
        try:
            with options["output"].open("wb") as file:
                file.writelines(parts)
        except OSError as error:
            raise CommandError(str(error)) from error


def _parts(batch: Batch, what: str, form: str) -> Iterable[bytes]:
    if what == CARD:
        return [json.dumps(card_of(batch), ensure_ascii=False, indent=2).encode(), b"\n"]
    if what == "provenance" and form == "csv":
        raise CommandError("Provenance comes as ndjson or json: its records have no columns.")
    return exported(batch, what=what, form=form)
