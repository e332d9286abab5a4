"""Background jobs: each is in the timetable, runs with nothing to do, and leaves a heartbeat."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import ProgrammingError
from django.utils import timezone

from marketplace import jobs
from marketplace.celery import app
from marketplace.models import Heartbeat, StoredResponse
from payments import accounts
from tasks.models import Assignment, Batch, Consensus, Progress
from tests.factories import HOUR, NOON, a_user, claim, published_batch, submitted, usd
from tests.tasks.marketplace import damage

TIMETABLE = app.conf.beat_schedule
NAMES = sorted(line["task"].rpartition(".")[2] for line in TIMETABLE.values())


def test_every_line_of_the_timetable_names_a_registered_job():
    app.loader.import_default_modules()

    assert {line["task"] for line in TIMETABLE.values()} <= set(app.tasks)


def test_every_job_is_in_the_timetable_once():
    registered = {name for name in app.tasks if name.startswith("marketplace.jobs.")}

    assert sorted(registered) == [f"marketplace.jobs.{name}" for name in NAMES]
    assert len(NAMES) == len(set(NAMES))


def test_a_tick_that_nobody_took_does_not_pile_up():
    for line in TIMETABLE.values():
        assert line["schedule"] <= line["options"]["expires"] <= max(line["schedule"], 10)


def test_a_job_takes_no_arguments_and_is_never_retried_by_the_runner():
    for line in TIMETABLE.values():
        job = app.tasks[line["task"]]
        assert "args" not in line
        assert "kwargs" not in line
        assert (job.acks_late, job.ignore_result) == (True, True)
        assert not hasattr(job, "autoretry_for")


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_a_job_with_nothing_to_do_does_nothing_and_says_when(name):
    before = timezone.now()

    done = getattr(jobs, name)()

    beat = Heartbeat.objects.get()
    assert (done, beat.job, beat.done) == (0, name, 0)
    assert before <= beat.finished_at <= timezone.now()


@pytest.mark.django_db
def test_a_job_that_runs_again_has_one_heartbeat_the_last():
    Heartbeat.objects.create(job="pay_accepted", finished_at=NOON, done=7)

    jobs.pay_accepted()

    beat = Heartbeat.objects.get()
    assert (beat.done, beat.finished_at > NOON) == (0, True)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_leaves_its_old_heartbeat(monkeypatch):
    Heartbeat.objects.create(job="audit_ledger", finished_at=NOON, done=0)
    monkeypatch.setattr(jobs.audit, "IMBALANCES", "SELECT nonsense")

    with pytest.raises(ProgrammingError):
        jobs.audit_ledger()

    assert Heartbeat.objects.get().finished_at == NOON


# What each does to the rows


@pytest.mark.django_db
def test_the_jobs_carry_a_batch_from_answers_to_its_end():
    batch = published_batch(
        tasks=1, reward=usd(5), aggregation="majority_vote", auto_accept_delay=timedelta(0)
    )
    answered = submitted(batch)

    done = {
        name: getattr(jobs, name)()
        for name in ("accept_due", "aggregate_due", "count_due", "pay_accepted", "wind_up")
    }

    assert done == {
        "accept_due": 1, "aggregate_due": 1, "count_due": 1, "pay_accepted": 1, "wind_up": 1,
    }  # fmt: skip
    assert Assignment.objects.get().status == "accepted"
    assert Consensus.objects.get().value == "cat"
    assert Progress.objects.get().submitted == 0
    assert accounts.earnings_of(answered.worker.user_id, "USD").balance == usd(5)
    assert Batch.objects.get().status == "closed"


@pytest.mark.django_db
def test_an_overdue_assignment_is_given_back():
    claim(published_batch(tasks=1))

    assert jobs.expire_overdue() == 1
    assert Assignment.objects.get().status == "expired"
    assert Heartbeat.objects.get().done == 1


@pytest.mark.django_db
def test_books_that_do_not_balance_are_counted():
    batch = published_batch(tasks=1)
    world = SimpleNamespace(escrow=batch.escrow_id)
    damage(world, "UPDATE payments_account SET balance_minor = 999 WHERE id = {escrow}")

    assert jobs.audit_ledger() > 0
    assert Heartbeat.objects.get().done > 0


@pytest.mark.django_db
def test_stored_answers_are_forgotten_after_a_day():
    user, now = a_user(), timezone.now()
    for key, age in ("old", 25 * HOUR), ("new", 23 * HOUR):
        StoredResponse.objects.create(user=user, key=key, fingerprint="f", created_at=now - age)

    assert jobs.forget_responses() == 1
    assert [each.key for each in StoredResponse.objects.all()] == ["new"]
