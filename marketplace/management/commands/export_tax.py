"""``manage.py export_tax dac7 --year 2026``: what workers were credited, for tax reports."""

from __future__ import annotations

import csv
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace import tax_files
from marketplace.api.exports import cell
from payments.tax import NOTES


class Command(BaseCommand):
    help = (
        "Write what each worker was credited in a year: data for tax reports, by pseudonym, without"
        " names or tax numbers, which are not kept here. Notes go to standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("regime", choices=sorted(NOTES))
        parser.add_argument("--year", type=int, required=True, choices=range(2000, 2100),
                            metavar="YEAR")  # fmt: skip
        parser.add_argument("--quarter", type=int, choices=range(1, 5))
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def handle(self, *args: Any, **options: Any) -> None:
        regime = options["regime"]
        rows = tax_files.rows(regime, year=options["year"], quarter=options["quarter"])
        if options["format"] == "json":
            document = {"notes": NOTES[regime], "rows": list(rows)}
            self.stdout.write(json.dumps(document, indent=1, ensure_ascii=False))
            return
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(tax_files.COLUMNS)
        for row in rows:
            writer.writerow([cell(row[column]) for column in tax_files.COLUMNS])
        for note in NOTES[regime]:
            self.stderr.write(note)
