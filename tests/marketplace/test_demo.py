"""The demo's play on a live server, small; ``make demo`` plays the same on processes of its own."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rich.console import Console

from marketplace.demo import books, cast, digits, play, report, story
from marketplace.demo.books import Promise
from marketplace.demo.plan import DemoFailed, Plan, Terms
from marketplace.demo.requester import QUESTION
from marketplace.management.commands.demo_logins import PLAY_MONEY
from marketplace.models import ApiKey
from marketplace.simulation.crowd import recruit
from marketplace.simulation.progress import Narrator
from marketplace.up import pidfile
from tasks.aggregation.gauge import ENOUGH
from tasks.models import Batch, Review
from tasks.provenance import Difference, Verdict
from tests.factories import published_batch
from tests.marketplace.jobrunner import running_jobs
from workers.models import User

PLAN = Plan(
    scans=40,
    workers=9,
    at_once=4,
    speed=2_000.0,
    terms=Terms(overlap=3, gold_rate=0.2, auto_accept_delay_seconds=0),
)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch, tmp_path):
    monkeypatch.setattr(play, "LOOK_SECONDS", 0.1)
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)


def narrator() -> Narrator:
    return Narrator(Console(file=StringIO(), width=100))


@pytest.fixture
def site(live_server):
    """A site that passes for the one of `make up`, with jobs that run in a thread."""
    with pidfile.held(os.getpid()) as tell, running_jobs():
        tell(live_server.url)
        yield live_server.url


def test_a_batch_is_published_worked_paid_closed_and_reported(site):
    file = StringIO()
    console = Console(file=file, width=100)

    outcome = story.tell(PLAN, Narrator(console))
    report.show(outcome, console)

    assert outcome.holds, outcome.promises
    played = outcome.played
    assert played.batch["status"] == "closed"
    assert len(played.results) == 32
    assert {row["status"] for row in played.results} <= {"closed", "uncertain"}
    assert {row["method"][QUESTION] for row in played.results} == {"online"}
    assert min(row["answers"] for row in played.results) >= 1
    assert max(row["answers"] for row in played.results) <= PLAN.answers_max == 7
    assert played.batch["money"]["spent"] <= played.published.quote["total"]
    assert {row["status"] for row in played.answers} == {"accepted"}
    assert {row["answer"][QUESTION] for row in played.answers} <= set(digits.DIGITS)
    assert sum(each.score.of for each in outcome.standings) == len(played.answers)
    (totals,) = outcome.totals
    assert totals.earned_minor == 5 * len(played.answers)
    assert totals.deposited_minor == PLAY_MONEY.minor + played.published.quote["total"]
    assert not ApiKey.objects.filter(revoked_at=None).exists()
    doubtful = sum(row["status"] == "uncertain" for row in played.results)
    assert played.reviewed.scans == doubtful
    assert Review.objects.exclude(status__in=["accepted", "fixed"]).count() == 0
    assert (outcome.verdict.is_complete, outcome.verdict.verified) == (True, 32)
    told = file.getvalue()
    assert f"using the site that `make up` runs at {site}" in told
    assert "a simulated crowd of 9 goes to work" in told
    assert "✗" not in told


def test_a_site_that_is_still_starting_is_not_used():
    with pidfile.held(os.getpid()), pytest.raises(DemoFailed, match="still starting"):
        story.tell(PLAN, narrator())


def test_an_interrupted_demo_closes_its_batch(site, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(play, "_wait", interrupt)

    with pytest.raises(KeyboardInterrupt):
        story.tell(PLAN, narrator())

    assert Batch.objects.get().status in {"closing", "closed"}
    assert not ApiKey.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db
def test_a_payment_that_is_missing_breaks_a_promise():
    answers = [{"status": "accepted", "reward": 5}, {"status": "rejected", "reward": 5}]
    batch = published_batch()

    (promise,) = broken(answers=answers, batch_id=batch.pk, verdict=verdict(batch.pk))

    assert promise.sentence == "every accepted answer was paid for exactly once"
    assert promise.broken_by == ["0 rewards of 0.00 USD for 1 answers of 0.05 USD"]


@pytest.mark.django_db
def test_accounts_are_used_again_and_tokens_are_not():
    crowd = recruit(3, seed=1)

    first = cast.assemble(crowd, now=timezone.now())
    first.leave(now=timezone.now())
    second = cast.assemble(crowd, now=timezone.now())

    assert list(second.workers) == ["simulated-01", "simulated-02", "simulated-03"]
    assert second.requester == first.requester
    assert User.objects.count() == 4
    assert not {second.requester_token, *second.tokens.values()} & {*first.tokens.values()}
    assert ApiKey.objects.filter(revoked_at=None).count() == 4
    assert ApiKey.objects.exclude(revoked_at=None).count() == 4


@pytest.mark.django_db
def test_a_database_of_ones_own_gets_a_requester_nobody_can_log_in_as(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")

    company = cast.assemble([], now=timezone.now())

    assert company.requester.username == "demo-requester"
    assert not company.requester.has_usable_password()
    assert cast.assemble([], now=timezone.now()).requester == company.requester


def test_a_demo_that_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(play, "SECONDS_MAX", 0.0)

    with pytest.raises(DemoFailed, match="not over after 0 seconds"):
        play._wait(narrator())


@pytest.mark.django_db
def test_a_label_that_is_not_as_it_was_recorded_breaks_a_promise():
    batch = published_batch()
    changed = verdict(batch.pk)
    changed.differences.append(Difference(1, 7, 'labels.digit.value: was "2", is "3"'))

    (promise,) = broken(answers=[], batch_id=batch.pk, verdict=changed)

    assert promise.sentence == "every label agrees with its record of provenance"
    assert promise.broken_by == ['task 7: labels.digit.value: was "2", is "3"']


@pytest.mark.django_db
def test_provenance_that_was_not_written_breaks_a_promise():
    batch = published_batch()
    unwritten = books.provenance_of(batch.pk, now=timezone.now())

    (promise,) = broken(answers=[], batch_id=batch.pk, verdict=unwritten)

    assert promise.broken_by == ["the chain was not written to its end"]


def verdict(batch_id: int) -> Verdict:
    return Verdict(batch=batch_id, is_complete=True)


def broken(**what: object) -> list[Promise]:
    return [each for each in books.promises(**what, now=timezone.now()) if each.broken_by]


def test_ten_in_a_hundred_scans_are_gold_which_is_enough_to_calibrate():
    assert Plan().problem() == ""
    assert (Plan().scans, Plan().gold) == (400, 40)
    assert Plan().gold >= ENOUGH


def test_the_budget_is_that_of_the_overlap():
    policy = Plan().policy

    assert policy["redundancy"] == {"policy": "adaptive", "max": 15}
    assert policy["overlap"] == 3


def test_no_scan_may_get_more_answers_than_there_are_workers_to_give_them():
    assert Plan(workers=10).answers_max == 8


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"scans": 5}, "at least 20"),
        ({"scans": 1798}, "1,797 scans"),
        ({"workers": 9}, "at least 10 workers"),
        ({"at_once": 0}, "one of them at a time"),
    ],
)
def test_a_demo_of_impossible_size_is_refused(option, said):
    with pytest.raises(CommandError, match=said):
        call_command("demo", **option)
