"""``manage.py simulate``: a simulated crowd works on a batch of a running site."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console

from marketplace import up
from marketplace.simulation import accounts, truth
from marketplace.simulation.answers import Oracle, nobody_knows
from marketplace.simulation.client import Refused, Site, Unreachable
from marketplace.simulation.crowd import SimulatedWorker, recruit
from marketplace.simulation.progress import Narrator
from marketplace.simulation.run import Crowd, Member

LIFETIME = timedelta(days=1)
LOOK_SECONDS = 0.5
TOLD = ("answered", "skipped", "abandoned", "late")


class Command(BaseCommand):
    help = (
        "Let a simulated crowd work on a batch of a running site, over its REST API, until "
        "nobody finds anything for a while. Its workers are registered in the database that "
        "this site runs on; with --tokens of workers who exist, nothing but HTTP is used."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, required=True, help="its id")
        parser.add_argument("--url", help="of the site; left out, the one that `make up` runs here")
        parser.add_argument(
            "--workers", type=int, default=40, help="how many (default: %(default)s)"
        )
        parser.add_argument("--at-once", type=int, default=8, help="of them (default: %(default)s)")
        parser.add_argument(
            "--speed",
            type=float,
            default=40.0,
            help="how many times faster than people they work (default: %(default)g)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same one gives the same crowd (default: 1)"
        )
        parser.add_argument(
            "--truth",
            type=Path,
            metavar="FILE.csv",
            help="true answers: a column external_id, task or one named after a field of the "
            "input, then a column answer. Without it the crowd agrees on answers of its own.",
        )
        parser.add_argument(
            "--tokens", type=Path, metavar="FILE", help="one worker's token per line"
        )
        parser.add_argument("--answers", type=int, help="stop after so many")
        parser.add_argument(
            "--patience",
            type=float,
            default=45.0,
            help="stop when nobody has found a task for so many seconds (default: %(default)g: "
            "those that somebody let expire come back only then)",
        )

    def handle(self, **options: Any) -> None:
        console = Console(file=options.get("stdout") or sys.stdout)
        try:
            with Site(_address(options["url"])) as site:
                self._let_loose(site, Narrator(console), options)
        except (Refused, Unreachable, truth.UnreadableTruth) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None

    def _let_loose(self, site: Site, narrator: Narrator, options: dict[str, Any]) -> None:
        """Recruit the crowd, let it work, and say what it has done."""
        tokens = _tokens(options["tokens"])
        workers = recruit(len(tokens) or options["workers"], seed=options["seed"])
        known = _truth(options["truth"], options["batch"], http_only=bool(tokens))
        tokens = tokens or _issued(workers)
        members = [
            Member(worker, site.caller(token))
            for worker, token in zip(workers, tokens, strict=True)
        ]
        crowd = Crowd(
            members,
            batch_id=options["batch"],
            truth=known,
            at_once=options["at_once"],
            speed=options["speed"],
        )
        narrator.say(f"a simulated crowd of {len(members)} looks at batch {options['batch']}")
        with crowd, narrator.following() as tell:
            while crowd.idle_seconds() < options["patience"] and crowd.has_workers():
                crowd.check()
                done = crowd.tally.counts["answered"]
                if options["answers"] and done >= options["answers"]:
                    break
                tell(done / options["answers"] if options["answers"] else None, _told(crowd))
                time.sleep(LOOK_SECONDS)
        narrator.say(f"the simulated crowd is done: {_told(crowd)}")
        for code, count in crowd.tally.refusals.items():
            narrator.say(f"{count} of them were refused: {code}")
        if not crowd.has_workers():
            raise CommandError("None of the simulated crowd may work on this batch.")


def _told(crowd: Crowd) -> str:
    return ", ".join(f"{crowd.tally.counts[what]:,} {what}" for what in TOLD)


def _address(url: str | None) -> str:
    running = up.running()
    if url is None and not (running and running.url):
        raise CommandError("No site runs here. Start one with `make up`, or give its --url.")
    return url or (running.url if running else "")


def _tokens(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        tokens = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    if not tokens:
        raise CommandError(f"{path} holds no tokens.")
    return tokens


def _issued(workers: list[SimulatedWorker]) -> list[str]:
    """Return a token for each worker, registering those who are new."""
    now = timezone.now()
    known = accounts.sign_up([worker.name for worker in workers], now=now)
    users = [worker.user for worker in known.values()]
    return accounts.issue(users, name="simulate", lifetime=LIFETIME, now=now)


def _truth(path: Path | None, batch_id: int, *, http_only: bool) -> Oracle:
    if path is None:
        return nobody_knows
    found = truth.read(path, external_ids={} if http_only else accounts.external_ids(batch_id))
    if http_only and found.key == truth.EXTERNAL_ID:
        raise CommandError(
            f"{path}: workers do not see external ids, and with --tokens they cannot be looked "
            "up. Name the column after a field of the input, or task."
        )
    return found
