"""On seeded data disparities are found, told once, and never acted on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments.models import Incident
from tasks.disclosure import equity
from tasks.models import Assignment, Batch, Restriction, Wage
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    published_batch,
)
from tests.tasks.disclosure.working import answered, workers_of
from workers import qualify
from workers.models import Decision, Event, Worker

pytestmark = pytest.mark.django_db
NOW = NOON + timedelta(days=1)


def alerts(now=NOW):
    return [
        (found.measure, grouping, found.group)
        for grouping, found in equity.disparities(now=now)
        if found.is_alert
    ]


def test_a_region_that_earns_less_per_hour_is_an_alert():
    batch = published_batch(tasks=40)
    for country, seconds in ("DE", 60), ("KE", 300):
        for worker in workers_of(country, 15):
            answered(batch, worker, seconds=seconds)

    assert alerts() == [("pay", "region", "KE")]


def test_a_batch_closed_to_new_workers_and_a_region_is_a_disparity_of_offers():
    requester = a_requester()
    kind = qualify.define(requester=requester, name="Long here", now=NOON)
    asks = [
        {"qualification": "country", "comparator": "in", "values": ["DE"]},
        {"qualification": kind.pk, "comparator": "exists"},
    ]
    published_batch(tasks=1, project=a_project(requester=requester), requirements=asks)
    settled = workers_of("DE", 15)
    for worker in settled:
        qualify.grant(type=kind, worker=worker, now=NOON, actor=requester)
    workers_of("KE", 15, since=NOON)

    assert alerts() == [("offers", "region", "KE"), ("offers", "tenure", "new")]


def test_equal_treatment_is_no_alert():
    batch = published_batch(tasks=40)
    for country in "DE", "KE":
        for worker in workers_of(country, 15):
            answered(batch, worker)

    assert alerts() == []


def test_an_alert_is_told_to_a_human_once_a_quarter_and_changes_nothing():
    batch = published_batch(tasks=40)
    for country, seconds in ("DE", 60), ("KE", 300):
        for worker in workers_of(country, 15):
            answered(batch, worker, seconds=seconds)
    before = Event.objects.count()

    assert (equity.look(now=NOW), equity.look(now=NOW + HOUR)) == (1, 0)

    incident = Incident.objects.get()
    assert (incident.kind, incident.subject) == ("disparity", "pay region KE 2026Q1")
    assert incident.details["own"]["answers"] == 15
    assert (Event.objects.count(), Restriction.objects.count()) == (before, 0)


def a_slow_worker(*, seconds=200, batches=3, answers=7, coverage=1.0):
    worker = a_worker()
    for _ in range(batches):
        batch = published_batch(tasks=answers)
        Wage.objects.update_or_create(
            batch=batch, defaults={"reference_seconds": 60, "look_after": NOON}
        )
        for _ in range(answers):
            answered(batch, worker, seconds=seconds)
    Assignment.objects.update(coverage=coverage)
    return worker


def test_slow_work_in_three_batches_is_put_to_a_human_and_nothing_else():
    worker = a_slow_worker()
    before = Event.objects.count(), Worker.objects.get(pk=worker.pk)

    assert equity.look(now=NOW) == 1

    incident = Incident.objects.get()
    assert incident.kind == "slow_work"
    assert incident.details == {"answers": 21, "batches": 3, "slow_share": 1.0}
    assert before[0] == Event.objects.count()
    assert (Decision.objects.count(), Restriction.objects.count()) == (0, 0)
    after = Worker.objects.get(pk=worker.pk)
    for name in "status", "qualifications_version", "rest_until":
        assert getattr(after, name) == getattr(before[1], name)
    assert set(Assignment.objects.values_list("status", flat=True)) == {"accepted"}


@pytest.mark.parametrize(
    "fields", [{"seconds": 150}, {"batches": 2, "answers": 10}, {"answers": 6}, {"coverage": 0.5}]
)
def test_what_is_not_slow_often_enough_or_not_seen_well_is_not_put_to_anybody(fields):
    a_slow_worker(**fields)

    assert equity.slow_workers(now=NOW) == []


def test_old_work_is_not_looked_at():
    a_slow_worker()
    Batch.objects.update(status="closed", closed_at=NOON)

    assert equity.look(now=NOON + timedelta(days=91) + MINUTE) == 0
