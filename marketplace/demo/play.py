"""The demo's action, over the REST API: publish, let the simulated crowd work, download, review."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from marketplace.demo import findings, payday
from marketplace.demo.cast import Cast
from marketplace.demo.digits import LOOKALIKES, Scan
from marketplace.demo.plan import DemoFailed, Plan
from marketplace.demo.requester import QUESTION, Published, Reviewed, publish, review
from marketplace.simulation.client import Caller, Refused, Site, Unreachable
from marketplace.simulation.crowd import SimulatedWorker
from marketplace.simulation.progress import Narrator
from marketplace.simulation.run import Crowd, Member
from payments.money import Money

SECONDS_MAX = 300.0  # after which something is wrong
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 20.0  # of a closed batch, for its last consensus


@dataclass(frozen=True)
class Played:
    """The batch and its rows, as its requester got them from the API once the crowd was done."""

    published: Published
    batch: dict[str, Any]
    results: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    report: dict[str, Any]
    reviewed: Reviewed  # after all of the above


def play(
    plan: Plan,
    *,
    url: str,
    scans: Sequence[Scan],
    crowd: Sequence[SimulatedWorker],
    cast: Cast,
    narrator: Narrator,
) -> Played:
    """Take a batch of ``scans`` from publication to its closing.

    Raises:
        DemoFailed: it was not over in five minutes.
        Refused, Unreachable: the API did not do what it should.
    """
    with Site(url) as site:
        boss = site.caller(cast.requester_token)
        published = _publish(plan, boss, scans, cast, narrator)
        members = [Member(worker, site.caller(cast.tokens[worker.name])) for worker in crowd]
        with _closed_if_interrupted(boss, published):
            _work(
                plan=plan,
                boss=boss,
                published=published,
                scans=scans,
                members=members,
                narrator=narrator,
            )
            truth = {scan.name: scan.digit for scan in scans}
            return _settle(boss, published, truth, narrator)


@contextmanager
def _closed_if_interrupted(boss: Caller, published: Published) -> Iterator[None]:
    """Let the next run's jobs give back the money of a batch that this one leaves half done."""
    try:
        yield
    except BaseException:
        with suppress(Refused, Unreachable):
            boss.post(f"batches/{published.batch_id}/close")
        raise


def _publish(
    plan: Plan, boss: Caller, scans: Sequence[Scan], cast: Cast, narrator: Narrator
) -> Published:
    terms = plan.terms

    def deposit(minor: int) -> None:
        amount = Money(minor, terms.currency)
        payday.deposit(cast.requester, amount)
        narrator.say(f"{amount} of play money deposited, which the quote asks for")

    published = publish(
        boss,
        scans=scans[plan.gold :],
        gold=scans[: plan.gold],
        policy=plan.policy,
        deposit=deposit,
    )
    quote = published.quote
    narrator.say(
        f"batch {published.batch_id} published: {quote['tasks']} scans and {quote['gold']} gold, "
        f"at most {quote['answers']:,} answers for {Money(quote['total'], quote['currency'])}"
    )
    return published


def _work(
    *,
    plan: Plan,
    boss: Caller,
    published: Published,
    scans: Sequence[Scan],
    members: Sequence[Member],
    narrator: Narrator,
) -> None:
    """Let the crowd work until the batch wants no more answers and begins to close."""
    digit = {scan.data_uri(): scan.digit for scan in scans}

    def seen(assignment: Mapping[str, Any]) -> Mapping[str, str]:
        return {QUESTION: digit[assignment["input"]["image"]]}

    narrator.say(
        f"a simulated crowd of {len(members)} goes to work, {plan.at_once} at a time, "
        f"{plan.speed:g} times faster than people"
    )
    crowd = Crowd(
        members,
        batch_id=published.batch_id,
        truth=seen,
        lookalikes=LOOKALIKES,
        at_once=plan.at_once,
        speed=plan.speed,
    )
    with crowd, narrator.following() as tell:
        while True:
            batch = boss.get(f"batches/{published.batch_id}")
            crowd.check()
            if batch["status"] not in {"open", "paused"}:
                break
            # How many answers it takes is not known before.
            tell(None, _how_far(batch, crowd.tally.counts))
            _wait(narrator)
    narrator.say("no scan wants another answer, and every answer is paid")


def _how_far(batch: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    """Tell of the answers that the crowd counts, and of what the jobs have counted so far."""
    progress = batch["progress"] or {"expired": 0, "paid": 0}
    paid = Money(progress["paid"] * batch["reward"], batch["currency"])
    return (
        f"{counts['answered']:,} answers, {counts['skipped']} skipped, "
        f"{progress['expired']} expired, "
        f"{paid} earned"
    )


def _settle(
    boss: Caller, published: Published, truth: Mapping[str, str], narrator: Narrator
) -> Played:
    """Wait until the batch is closed and its consensus rests on every answer; download, review."""
    address = f"batches/{published.batch_id}"
    while (batch := boss.get(address))["status"] != "closed":
        _wait(narrator)
    refund = Money(batch["money"]["budget"] - batch["money"]["spent"], batch["currency"])
    narrator.say(f"closed: {refund} of the budget went back to the requester")
    answers = boss.rows(f"{address}/answers")
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        results = boss.rows(f"{address}/results")
        if findings.is_complete(results, answers) or time.monotonic() > give_up_at:
            break
        _wait(narrator)
    workers, report = boss.rows(f"{address}/workers"), boss.get(f"{address}/report")
    below = batch["redundancy"]["target"]
    reviewed = review(boss, batch_id=published.batch_id, below=below, truth=truth)
    narrator.say(
        f"a simulated reviewer corrected {reviewed.corrected} of the {reviewed.scans} scans "
        "that stayed uncertain"
    )
    return Played(published, boss.get(address), results, answers, workers, report, reviewed)


def _wait(narrator: Narrator) -> None:
    if narrator.seconds() > SECONDS_MAX:
        raise DemoFailed(
            f"It was not over after {SECONDS_MAX:g} seconds. The logs in var/log/ say why."
        )
    time.sleep(LOOK_SECONDS)
