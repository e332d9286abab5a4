"""The demo's play on a live server, small; ``make demo`` plays the same on processes of its own."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rich.console import Console

from marketplace.demo import books, cast, digits, play, report, story
from marketplace.demo.plan import DemoFailed, Plan, Terms
from marketplace.demo.requester import QUESTION
from marketplace.management.commands.demo_logins import PLAY_MONEY
from marketplace.models import ApiKey
from marketplace.simulation.crowd import recruit
from marketplace.simulation.progress import Narrator
from marketplace.up import pidfile
from tasks.models import Batch
from tests.factories import published_batch
from tests.marketplace.jobrunner import running_jobs
from workers.models import User

PLAN = Plan(
    scans=14,
    workers=9,
    at_once=4,
    speed=2_000.0,
    terms=Terms(overlap=2, auto_accept_delay_seconds=0, aggregation="majority_vote"),
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
    assert len(played.results) == 13
    assert {row["answers"] for row in played.results} == {2}
    assert {row["status"] for row in played.answers} == {"accepted"}
    assert {row["answer"][QUESTION] for row in played.answers} <= set(digits.DIGITS)
    assert sum(each.score.of for each in outcome.standings) == len(played.answers)
    (totals,) = outcome.totals
    assert totals.earned_minor == 5 * len(played.answers)
    assert totals.deposited_minor == PLAY_MONEY.minor + played.published.quote["total"]
    assert not ApiKey.objects.filter(revoked_at=None).exists()
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

    (promise,) = [
        each
        for each in books.promises(answers=answers, batch_id=batch.pk, now=timezone.now())
        if each.broken_by
    ]

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


def test_five_in_a_hundred_scans_are_gold():
    assert Plan().problem() == ""
    assert (Plan().scans, Plan().gold) == (400, 20)


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
