"""The task card: what a worker is told before they accept, and how they may look for work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.compensation.floor import of_workers
from tasks.models import Batch, RequesterRecord, Wage
from tests.factories import (
    NOON,
    a_project,
    a_requester,
    a_user,
    a_worker,
    floor,
    fresh,
    published_batch,
    usd,
)
from tests.marketplace.clients import api, pages_of, problem_of
from workers import blocks, qualify, standing
from workers.models import Block, Worker

pytestmark = pytest.mark.django_db


def a_batch(**fields):
    """A published batch with these columns."""
    project = fields.pop("project", None)
    batch = published_batch(tasks=2, project=project, reward=usd(fields.pop("reward", 10)))
    Batch.objects.filter(pk=batch.pk).update(**fields)
    return batch


def timed(batch, low, median, high, *, workers=5, topup=0):
    facts = {
        "workers": workers, "answers": 3 * workers, "reference_seconds": median,
        "low_seconds": low, "median_seconds": median, "high_seconds": high, "topup_minor": topup,
        "look_after": NOON,
    }  # fmt: skip
    Wage.objects.update_or_create(batch=batch, defaults=facts)
    return batch


def the_offer(batch, worker=None):
    return api(worker or a_worker()).get(f"batches/{batch.pk}/offer").json()


def listed(query="", worker=None):
    return [each["id"] for each in api(worker or a_worker()).get(f"work{query}").json()["results"]]


def queries_of(client, path):
    client.get(path)  # notes the key's use
    with CaptureQueriesContext(
        connection,
    ) as made:
        assert client.get(path).status_code == 200
    return len(made)


def test_a_card_shows_measured_time_and_the_hourly_pay_of_the_middle_half():
    batch = timed(a_batch(estimate_seconds=10, floor_minor=1200), 20, 30, 45, topup=2)

    card = the_offer(batch)

    assert card["time"] == {"seconds": 30, "basis": "measured", "workers": 5, "answers": 15}
    # (10 + 2) cents per answer, 120, 80 and 80/h: 3600 / 45, 30, 20 answers an hour.
    assert card["hourly"] == {"low": 960, "median": 1440, "high": 2160}
    assert card["floor"] == 1200


def test_a_card_shows_the_estimate_until_five_workers_were_timed():
    batch = timed(a_batch(estimate_seconds=60), 20, 30, 45, workers=4)

    card = the_offer(batch)

    assert card["time"] == {"seconds": 60, "basis": "estimate", "workers": 0, "answers": 0}
    assert card["hourly"] == {"low": None, "median": 600, "high": None}


def test_a_card_counts_the_top_up_of_every_answer_in_the_hourly_pay():
    batch = timed(a_batch(reward=10), 21, 33, 47, topup=3)

    hourly = {"low": 13 * 3600 // 47, "median": 13 * 3600 // 33, "high": 13 * 3600 // 21}
    assert the_offer(batch)["hourly"] == hourly


def test_a_card_shows_the_floor_of_the_place_one_lives_in_if_it_is_higher():
    batch = a_batch(floor_minor=1200)
    floor(1690, jurisdiction="US-CA")
    floor(1000, jurisdiction="US")
    floor(9900, jurisdiction="US-WA")
    floor(9900, jurisdiction="US-CA", currency="EUR")
    floor(9900, jurisdiction="DE", valid_from=NOON.date() + timedelta(days=1))
    homes = [("US", "CA"), ("US", "TX"), ("DE", ""), ("", "")]

    workers = [a_worker() for _ in homes]
    for worker, (country, part) in zip(workers, homes, strict=True):
        standing.relocate(worker=worker, country=country, subdivision=part, now=NOON, actor=None)

    shown = [the_offer(batch, worker)["floor"] for worker in workers]
    assert shown == [1690, 1200, 1200, 1200]
    owed = of_workers(fresh(batch), [worker.pk for worker in workers])
    assert shown == [owed[worker.pk] for worker in workers]


def test_a_card_names_warnings_the_use_of_the_data_and_a_running_pilot():
    batch = a_batch(content_warnings=["violence"], data_use="To train a filter.", pilot_left=3)
    worker = a_worker()
    Worker.objects.filter(pk=worker.pk).update(content=["violence", "nudity"])

    card = the_offer(batch, worker)

    assert card["content_warnings"] == ["violence"]
    assert (card["data_use"], card["pilot"]) == ("To train a filter.", True)


def test_a_card_shows_the_requesters_record():
    batch = a_batch()
    RequesterRecord.objects.create(
        requester=batch.project.requester, decided=8, accepted=6, rejected=2, appeals=4,
        overturned=1, decision_p50_seconds=60, decision_p95_seconds=600, ratings=5, fairness=4.25,
        pay=3, speed=5, communication=1.5, computed_at=NOON,
    )  # fmt: skip

    assert the_offer(batch)["requester"]["record"] == {
        "accepted": {"share": 0.75, "of": 8},
        "rejected": {"share": 0.25, "of": 8},
        "overturned": {"share": 0.25, "of": 4},
        "pay_p50_seconds": 60,
        "pay_p95_seconds": 600,
        "ratings": {
            "persons": 5, "fairness": 4.2, "pay": 3.0, "speed": 5.0, "communication": 1.5,
        },
    }  # fmt: skip


def test_ratings_of_fewer_than_five_persons_are_not_shown():
    batch = a_batch()
    RequesterRecord.objects.create(
        requester=batch.project.requester, ratings=4, fairness=1, pay=1, speed=1, communication=1,
        computed_at=NOON,
    )  # fmt: skip

    ratings = the_offer(batch)["requester"]["record"]["ratings"]

    assert ratings == {
        "persons": 4, "fairness": None, "pay": None, "speed": None, "communication": None,
    }  # fmt: skip


def test_content_a_worker_has_not_agreed_to_is_never_offered():
    batch = a_batch(content_warnings=["violence", "nudity"])
    willing, partly, unwilling = (a_worker() for _ in range(3))
    for worker, content in (willing, ["nudity", "violence"]), (partly, ["nudity"]):
        Worker.objects.filter(pk=worker.pk).update(content=content)

    assert [listed(worker=each) for each in (willing, partly, unwilling)] == [[batch.pk], [], []]
    assert problem_of(api(unwilling).get(f"batches/{batch.pk}/offer")) == (404, "not_found")


def test_a_batch_of_a_blocked_requester_has_no_card():
    batch, worker = a_batch(), a_worker()
    blocks.block(
        requester=batch.project.requester, worker=worker, direction=Block.Direction.WORKER,
        now=NOON, actor=None,
    )  # fmt: skip

    assert problem_of(api(worker).get(f"batches/{batch.pk}/offer")) == (404, "not_found")


def test_work_can_be_filtered_by_currency_requester_and_hourly_pay():
    slow = timed(a_batch(), 50, 60, 70)  # 6.00 an hour
    fast = timed(a_batch(), 20, 30, 40)  # 12.00
    estimated = a_batch(estimate_seconds=45)  # 8.00

    assert listed("?min_hourly=800") == [estimated.pk, fast.pk]
    assert listed(f"?requester={slow.project.requester_id}") == [slow.pk]
    assert listed("?currency=EUR") == []
    assert len(listed("?currency=USD")) == 3


def test_work_can_be_filtered_by_warnings():
    plain, warned = a_batch(), a_batch(content_warnings=["violence"])
    worker = a_worker()
    Worker.objects.filter(pk=worker.pk).update(content=["violence"])

    assert listed(worker=worker) == [warned.pk, plain.pk]
    assert listed("?without=all", worker) == [plain.pk]
    assert listed("?without=nudity, violence", worker) == [plain.pk]
    assert listed("?without=nudity", worker) == [warned.pk, plain.pk]


def test_work_is_sorted_by_hourly_pay_and_read_to_the_end_page_by_page():
    seconds = [60, 30, None, 30, 90]
    made = [a_batch(estimate_seconds=each) for each in seconds]

    pages = pages_of(api(a_worker()), "work?sort=hourly&limit=2")

    ids = [row["id"] for page in pages for row in page]
    assert [made.index(next(b for b in made if b.pk == each)) for each in ids] == [3, 1, 0, 4, 2]


@pytest.mark.parametrize(
    "query", ["currency=ABC", "min_hourly=-1", "min_hourly=x", "requester=0", "sort=reward"]
)
def test_a_filter_that_cannot_be_is_refused(query):
    assert problem_of(api(a_worker()).get(f"work?{query}")) == (400, "invalid_request")


def test_a_list_of_work_costs_as_many_queries_however_many_batches_are_open():
    requester, worker = a_requester(usd(100_000)), a_worker()
    asked = qualify.define(requester=requester, name="Reads French", now=NOON)
    qualify.grant(type=asked, worker=worker, now=NOON, actor=requester)
    project = a_project(requester=requester)

    def publish_another():
        batch = a_batch(project=project)
        needs = [{"qualification": asked.pk, "comparator": "exists"}]
        Batch.objects.filter(pk=batch.pk).update(requirements=needs)

    publish_another()
    client = api(worker)
    for_one = queries_of(client, "work?limit=200")
    for _ in range(49):
        publish_another()

    assert queries_of(client, "work?limit=200") == for_one
    assert len(client.get("work?limit=200").json()["results"]) == 50
    assert for_one <= 10


def test_a_card_counts_nothing_when_it_is_asked_for():
    batch = timed(a_batch(), 20, 30, 45)
    client = api(a_worker())
    path = f"batches/{batch.pk}/offer"
    client.get(path)

    with CaptureQueriesContext(connection) as made:
        client.get(path)

    asked = " ".join(each["sql"] for each in made.captured_queries)
    assert len(made) <= 10
    assert "tasks_assignment" not in asked
    assert "COUNT(" not in asked.upper()


def test_a_requester_has_no_worker_s_card():
    assert problem_of(api(a_requester()).get("batches/1/offer")) == (403, "permission_denied")


def test_own_work_has_no_card():
    both = a_user(requester=True, worker=True)
    batch = published_batch(tasks=1, project=a_project(requester=both))

    assert problem_of(api(both).get(f"batches/{batch.pk}/offer")) == (404, "not_found")
