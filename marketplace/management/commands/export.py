"""``manage.py export BATCH``: what came of a batch, as the API gives it to its requester."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import HttpRequest
from rest_framework.request import Request

from marketplace.api import results
from marketplace.api.exports import RENDERERS
from marketplace.management.asking import batch_numbered
from tasks.models import Batch

View = type[results.Results | results.Answers | results.Workers]
VIEWS: dict[str, View] = {
    "results": results.Results,
    "answers": results.Answers,
    "workers": results.Workers,
}
FORMATS = {renderer.format: renderer for renderer in RENDERERS}


class Command(BaseCommand):
    help = "Write a batch's results, answers or workers, however many there are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", type=int)
        parser.add_argument("--what", choices=sorted(VIEWS), default="results")
        parser.add_argument("--format", choices=sorted(FORMATS), default="ndjson")
        parser.add_argument("--output", type=Path, help="a file; standard output if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = batch_numbered(options["batch_id"])
        parts = exported(batch, what=options["what"], form=options["format"])
        if options["output"] is None:
            for part in parts:
                self.stdout.write(part.decode(), ending="")
            return
        try:
            with options["output"].open("wb") as file:
                file.writelines(parts)
        except OSError as error:
            raise CommandError(str(error)) from error


def exported(batch: Batch, *, what: str, form: str) -> Iterator[bytes]:
    """Make the request that the batch's requester would make, and return its answer in parts."""
    request = Request(HttpRequest())
    request.user = batch.project.requester
    request.accepted_renderer = FORMATS[form]()
    response = VIEWS[what]().get(request, batch.pk)
    assert not response.is_async
    yield from response
