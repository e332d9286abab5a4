"""Fairwork 2.1: precarity and overwork are mitigated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks import answer, settle
from tasks.compensation import hours
from tasks.models import Assignment
from tests.factories import (
    MINUTE,
    NOON,
    a_worker,
    claim,
    drafted_batch,
    floor,
    fresh,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import api, problem_of, text_of
from tests.tasks.compensation.paying import earned, owner, rich
from workers.models import Event

pytestmark = pytest.mark.django_db


def a_day_of(worker, length, now):
    """So many hours of work, submitted a minute ago."""
    done = submitted(published_batch(tasks=1), worker=worker)
    Assignment.objects.filter(pk=done.pk).update(
        claimed_at=now - length * timedelta(hours=1),
        submitted_at=now - MINUTE,
        deadline_at=now,
        worked_seconds=length * 3600,
    )


def test_a_deadline_below_three_times_the_usual_time_is_refused():
    floor()
    batch = drafted_batch(
        reward=usd(100),
        estimate_seconds=300,
        assignment_duration=timedelta(seconds=899),
        project=rich(),
    )

    refusal = api(owner(batch)).post(f"batches/{batch.pk}/publish")

    assert problem_of(refusal) == (422, "deadline_too_short")


def test_after_eight_hours_a_worker_is_told_and_after_twelve_nothing_new_is_handed_out():
    worker, batch, now = a_worker(), published_batch(tasks=2), timezone.now()
    client = api(worker)
    a_day_of(worker, 8, now)
    hours.look(now=now)

    assert Event.objects.filter(kind="worker_rest_advised", subject_id=worker.pk).count() == 1
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201

    a_day_of(worker, 4, now)
    hours.look(now=now)

    assert problem_of(client.post(f"batches/{batch.pk}/claim")) == (403, "rest_due")


def test_what_a_worker_holds_when_rest_is_due_is_still_taken_and_paid():
    worker, batch, now = a_worker(), published_batch(tasks=1), timezone.now()
    client = api(worker)
    held = client.post(f"batches/{batch.pk}/claim").json()["id"]
    a_day_of(worker, 12, now)
    hours.look(now=now)

    done = client.post(f"assignments/{held}/submit", {"answer": "cat"})
    settle.accept_due(now=timezone.now() + batch.auto_accept_delay)
    settle.pay_accepted(now=timezone.now() + batch.auto_accept_delay)

    assert done.status_code == 200
    assert fresh(worker).rest_until > now
    assert earned(worker) >= 5


def test_handing_a_task_back_leaves_a_worker_as_they_were():
    worker, batch = a_worker(), published_batch(tasks=6)
    client = api(worker)
    before = client.get("standing").json()

    for _ in range(5):
        answer.skip(assignment=claim(batch, worker), reason="Not for me.", now=NOON)

    assert client.get("standing").json() == before
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201


def test_the_demand_of_the_next_days_can_be_seen_before_anybody_works():
    batch = published_batch(tasks=7)

    card = api(a_worker()).get(f"batches/{batch.pk}/offer")

    assert "open_slots" in text_of(card)
