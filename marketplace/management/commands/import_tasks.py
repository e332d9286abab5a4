"""``manage.py import_tasks BATCH FILE``: the rows of a file become tasks, as in an upload."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from marketplace.api import uploads
from marketplace.api.batches import ANALYZE_FROM, DRAW_BITS
from marketplace.management.asking import batch_numbered, refusals
from tasks import publish
from tasks.models import Batch
from tasks.uploads import Upload, analyze
from tasks.versions import asked

KINDS = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
}
REJECTIONS_SHOWN = 20


class Command(BaseCommand):
    help = "Put the rows of a file into a batch: all of them or, if one is rejected, none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", type=int)
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--format", choices=sorted(KINDS), help="what the file's name would say otherwise"
        )
        parser.add_argument(
            "--allow-rejected", action="store_true", help="take the good rows beside bad ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        batch = batch_numbered(options["batch_id"])
        form = options["format"] or options["file"].suffix.lower().removeprefix(".")
        if form not in KINDS:
            raise CommandError(f"Say with --format what is in {options['file']}.")
        try:
            with options["file"].open("rb") as file, refusals(), transaction.atomic():
                size = options["file"].stat().st_size
                upload = imported(batch, file, kind=KINDS[form], size=size)
                self._report(upload)
                if upload.rejected and not options["allow_rejected"]:
                    raise CommandError(
                        "Nothing was imported. Correct the rows, or take the others with"
                        " --allow-rejected."
                    )
        except OSError as error:
            raise CommandError(str(error)) from error
        except ParseError as error:
            raise CommandError(str(error.detail)) from error
        if upload.tasks >= ANALYZE_FROM:
            analyze()

    def _report(self, upload: Upload) -> None:
        self.stdout.write(
            f"{upload.tasks} tasks, {upload.gold} gold tasks, {upload.rejected} rows rejected"
        )
        for rejected in upload.rejections[:REJECTIONS_SHOWN]:
            self.stdout.write(f"row {rejected.row}: {rejected.reason}")
        if upload.rejected > REJECTIONS_SHOWN:
            self.stdout.write(f"and {upload.rejected - REJECTIONS_SHOWN} more")


def imported(batch: Batch, file: IO[bytes], *, kind: str, size: int) -> Upload:
    """Upload a file as a requester would; what is read and refused is the same."""
    http = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(size),
            "wsgi.input": file,
        }
    )
    request = Request(http, parsers=[parser() for parser in uploads.PARSERS])
    rows = uploads.rows(request, asked(batch.version_id).checker)
    return publish.add_tasks(batch=batch, rows=rows, draw=DRAW_BITS, now=timezone.now())
