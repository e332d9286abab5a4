"""``manage.py demo``: a labelling job on real scans, worked by a simulated crowd."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from io import TextIOWrapper
from shutil import get_terminal_size
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from marketplace.demo import report, story
from marketplace.demo.plan import DemoFailed, Plan
from marketplace.embedded import EmbeddedError, var_dir
from marketplace.simulation.client import Refused, Unreachable
from marketplace.simulation.progress import Narrator
from marketplace.up.errors import UpError

COLUMNS_MAX = 100


class Command(BaseCommand):
    help = (
        "Publish scans of handwritten digits through the REST API, let a simulated crowd answer "
        "them, and report what came of it. Exits 1 when the books or an invariant are broken. "
        "Uses the site of `make up` if it runs, or else one of its own."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        plan = Plan()
        parser.add_argument(
            "--scans", type=int, default=plan.scans, help="gold included (default: %(default)s)"
        )
        parser.add_argument(
            "--workers", type=int, default=plan.workers, help="simulated (default: %(default)s)"
        )
        parser.add_argument(
            "--at-once", type=int, default=plan.at_once, help="of them (default: %(default)s)"
        )
        parser.add_argument(
            "--seed", type=int, default=plan.seed, help="of scans and crowd (default: %(default)s)"
        )

    def handle(self, **options: Any) -> None:
        names = ("scans", "workers", "at_once", "seed")
        plan = Plan(**{name: options[name] for name in names})
        if problem := plan.problem():
            raise CommandError(problem)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # not everybody's terminal knows "█" and "✓"
        columns = get_terminal_size().columns if sys.stdout.isatty() else COLUMNS_MAX
        file = options.get("stdout") or sys.stdout
        console = Console(file=file, width=min(columns, COLUMNS_MAX), highlight=False)
        try:
            outcome = story.tell(plan, Narrator(console))
        except (DemoFailed, EmbeddedError, Refused, Unreachable, UpError) as error:
            raise CommandError(f"{error}\nThe logs are in {var_dir() / 'log'}.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped before its end.") from None
        report.show(outcome, console)
        if not outcome.holds:
            raise CommandError("The demo found something broken: see the report.")
