"""What there is to do, as the REST API shows it to a worker."""

from __future__ import annotations

import pytest

from tasks import progress, publish
from tasks.models import Batch
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_user,
    a_worker,
    claim,
    drafted_batch,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import api, problem_of
from workers import blocks, people, qualify, standing
from workers.models import Block

pytestmark = pytest.mark.django_db


def open_to(worker):
    """The ids of the batches the worker is shown."""
    return [each["id"] for each in api(worker).get("work").json()["results"]]


# What there is to do


def test_work_shows_a_batch_with_all_there_is_to_know_before_accepting():
    batch = published_batch(tasks=3, reward=usd(6))
    Batch.objects.filter(pk=batch.pk).update(estimate_seconds=60)
    submitted(batch)
    progress.count_due(now=NOON + HOUR)

    listed = api(a_worker()).get("work")

    assert listed.status_code == 200
    nothing = {"share": None, "of": 0}
    unrated = dict.fromkeys(["fairness", "pay", "speed", "communication"])
    assert listed.json() == {
        "next": None,
        "previous": None,
        "results": [
            {
                "id": batch.pk,
                "title": "Cats or dogs",
                "purpose": "work",
                "instructions": "Say which animal you see.",
                "reward": 6,
                "currency": "USD",
                "open_slots": 2,
                "time": {"seconds": 60, "basis": "estimate", "workers": 0, "answers": 0},
                "hourly": {"low": None, "median": 360, "high": None},
                "floor": None,
                "pilot": False,
                "content_warnings": [],
                "data_use": "",
                "requester": {
                    "id": batch.project.requester_id,
                    "name": batch.project.requester.username,
                    "record": {
                        "accepted": nothing,
                        "rejected": nothing,
                        "overturned": nothing,
                        "pay_p50_seconds": None,
                        "pay_p95_seconds": None,
                        "ratings": {"persons": 0, **unrated},
                    },
                },
                "assignment_duration_seconds": 1800,
                "auto_accept_delay_seconds": 259200,
                "published_at": "2026-01-01T12:00:00Z",
            }
        ],
    }


def test_work_that_is_not_counted_yet_has_no_open_slots_to_show():
    batch = published_batch(tasks=1)
    Batch.objects.filter(pk=batch.pk).update(estimate_seconds=None)

    shown = api(a_worker()).get("work").json()["results"][0]

    assert (shown["open_slots"], shown["time"], shown["hourly"]) == (None, None, None)


def test_work_shows_only_open_batches_with_open_tasks_newest_first():
    first, second = published_batch(tasks=1), published_batch(tasks=1)
    drafted_batch()
    paused, closing, taken = (published_batch(tasks=1) for _ in range(3))
    publish.pause(batch=paused, actor=paused.project.requester, now=NOON)
    publish.close(batch=closing, actor=closing.project.requester, now=NOON)
    claim(taken)

    assert open_to(a_worker()) == [second.pk, first.pk]


def test_work_hides_what_the_worker_is_not_qualified_for():
    requester = a_requester()
    french = qualify.define(requester=requester, name="Reads French", now=NOON)
    needs_french = published_batch(
        tasks=1, requirements=[{"qualification": french.pk, "comparator": "exists"}]
    )
    able, unable = a_worker(), a_worker()
    qualify.grant(type=french, worker=able, now=NOON, actor=requester)

    assert (open_to(able), open_to(unable)) == ([needs_french.pk], [])


@pytest.mark.parametrize("direction", list(Block.Direction))
def test_work_hides_the_batches_of_a_requester_who_is_blocked_or_blocks(direction):
    batch, worker = published_batch(tasks=1), a_worker()
    blocks.block(
        requester=batch.project.requester,
        worker=worker,
        direction=direction,
        now=NOON,
        actor=None,
    )

    assert open_to(worker) == []


def test_work_hides_a_persons_own_batches_whichever_account_asks():
    both = a_user(requester=True, worker=True)
    other = a_worker()
    published_batch(tasks=1, project=a_project(requester=both))
    people.link(kept=both.person, absorbed=other.user.person, now=NOON, actor=None)

    assert (open_to(both.worker), open_to(other)) == ([], [])
    assert len(open_to(a_worker())) == 1


def test_work_shows_nothing_to_a_suspended_worker():
    published_batch(tasks=1)
    worker = a_worker()
    standing.suspend(worker=worker, reason="spam", now=NOON, actor=a_requester())

    assert open_to(worker) == []


@pytest.mark.parametrize("route", ["work", "assignments", "earnings"])
def test_only_workers_have_a_workers_pages(route):
    assert problem_of(api(a_requester()).get(route)) == (403, "permission_denied")
