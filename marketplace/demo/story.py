"""The demo from beginning to end: a site, what happens on it, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from marketplace import up
from marketplace.demo import books, cast, cpu, digits, findings, payday
from marketplace.demo.books import Pay, Promise
from marketplace.demo.digits import DIGITS, Scan
from marketplace.demo.findings import Accuracy, Standing
from marketplace.demo.plan import DemoFailed, Plan
from marketplace.demo.play import Played, play
from marketplace.demo.requester import QUESTION
from marketplace.simulation.crowd import SimulatedWorker, recruit
from marketplace.simulation.progress import Narrator
from payments import audit
from payments.audit import Totals
from payments.money import Money
from tasks.provenance import Verdict
from tasks.quality import Suspect
from workers.models import Worker


@dataclass(frozen=True)
class Outcome:
    """Everything the report tells."""

    plan: Plan
    requester: str  # their username
    played: Played
    dispute: Scan  # the scan on which the crowd agreed least
    accuracy: Accuracy
    standings: Sequence[Standing]
    suspects: Mapping[str, Suspect]  # by name
    promises: Sequence[Promise]
    pay: Pay
    verdict: Verdict  # on the provenance
    totals: Sequence[Totals]
    cpu: Mapping[str, float]  # seconds by part
    seconds: float  # by the clock on the wall
    url: str  # of the site, if it runs on: the demo's own is stopped

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not any(promise.broken_by for promise in self.promises)


def tell(plan: Plan, narrator: Narrator) -> Outcome:
    """Play the whole demo, on the site that runs here or else on one of its own.

    Raises:
        DemoFailed: it was not over in five minutes.
        UpError, EmbeddedError: the site could not be started.
        Refused, Unreachable: the API did not do what it should.
    """
    running = up.running()
    if running and not running.url:
        raise DemoFailed("`make up` is still starting. Wait until it says so, then try again.")
    meter = cpu.Meter(site=running.pid if running else os.getpid())
    scans = digits.scans(plan.scans, seed=plan.seed)
    crowd = recruit(plan.workers, seed=plan.seed)
    with _site(running.url if running else "", narrator) as url:
        requester, played = _play(plan, url, scans, crowd, narrator)
        during = meter.parts()
        _pay_out(plan, crowd, narrator)
    truth = {scan.name: scan.digit for scan in scans}
    accuracy = findings.accuracy(
        results=played.results, answers=played.answers, truth=truth, question=QUESTION
    )
    verdict = books.provenance_of(played.published.batch_id, now=timezone.now())
    return Outcome(
        plan=plan,
        requester=requester,
        played=played,
        dispute=next(scan for scan in scans if scan.name == accuracy.dispute.name),
        accuracy=accuracy,
        standings=_standings(played, crowd, truth),
        suspects=books.suspects(project_id=played.published.project_id, chance=1 / len(DIGITS)),
        promises=_promises(plan, played, verdict),
        pay=books.pay_of(played.published.batch_id),
        verdict=verdict,
        totals=audit.totals(),
        cpu=meter.all(during),
        seconds=narrator.seconds(),
        url=running.url if running else "",
    )


@contextmanager
def _site(url: str, narrator: Narrator) -> Iterator[str]:
    """Have a site: the one at ``url``, or one that is started now and stopped at the end."""
    if url:
        narrator.say(f"using the site that `make up` runs at {url}")
        yield url
        return
    narrator.say("starting web, job runner and clock, which log to var/log/demo-*.log")
    up.prepare()
    with up.Stack(name="demo") as stack:
        narrator.say(f"the site runs at {stack.url}")
        yield stack.url
    narrator.say("the site is stopped")


def _play(
    plan: Plan,
    url: str,
    scans: Sequence[Scan],
    crowd: Sequence[SimulatedWorker],
    narrator: Narrator,
) -> tuple[str, Played]:
    """Play with tokens that end with the play; return who the requester was, and the result."""
    company = cast.assemble(crowd, now=timezone.now())
    try:
        played = play(plan, url=url, scans=scans, crowd=crowd, cast=company, narrator=narrator)
    finally:
        company.leave(now=timezone.now())
    return company.requester.username, played


def _pay_out(plan: Plan, crowd: Sequence[SimulatedWorker], narrator: Narrator) -> None:
    workers = Worker.objects.filter(user__username__in=[member.name for member in crowd])
    paid = payday.pay_out(workers, plan.terms.currency)
    total = Money(sum(payout.amount_minor for payout in paid), plan.terms.currency)
    narrator.say(f"{len(paid)} workers were paid out: {total} of play money is in their banks")


def _standings(
    played: Played, crowd: Sequence[SimulatedWorker], truth: Mapping[str, str]
) -> list[Standing]:
    return findings.standings(
        crowd=crowd,
        pseudonyms=books.pseudonyms(played.published.batch_id),
        workers=played.workers,
        answers=played.answers,
        truth=truth,
        question=QUESTION,
    )


def _promises(plan: Plan, played: Played, verdict: Verdict) -> list[Promise]:
    """Return what must hold, by the requester's downloads and by the database."""
    seen = findings.contradictions(
        results=played.results, answers=played.answers, most=plan.answers_max
    )
    return [
        *books.promises(
            answers=played.answers,
            batch_id=played.published.batch_id,
            verdict=verdict,
            now=timezone.now(),
        ),
        *(Promise(sentence, wrong) for sentence, wrong in seen.items()),
    ]
