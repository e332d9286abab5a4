"""Ratings of requesters: who may give one, who sees them, and that none tells whose it is."""

from __future__ import annotations

import json

import pytest

from tasks import settle
from tasks.disclosure import records
from tasks.models import Assignment, Batch, Rating
from tests.factories import HOUR, NOON, a_requester, a_worker, claim, published_batch, submitted
from tests.marketplace.clients import api, pages_of, problem_of
from tests.tasks.marketplace import reread
from workers.models import Event

pytestmark = pytest.mark.django_db
GOOD = {"fairness": 5, "pay": 4, "speed": 3, "communication": 2, "text": "Quick and polite."}


@pytest.fixture
def batch():
    return published_batch(tasks=10)


def decided(batch, worker):
    assignment = reread(submitted(batch, worker=worker))
    settle.accept(assignment=assignment, actor=batch.project.requester, now=NOON + HOUR)
    return worker


def rated(batch, count=5, **said):
    """As many persons who have rated, and a record that knows of it."""
    workers = [decided(batch, a_worker()) for _ in range(count)]
    for worker in workers:
        api(worker).post(f"batches/{batch.pk}/rating", {**GOOD, **said})
    records.update(requester_id=batch.project.requester_id, now=NOON)
    return workers


def test_a_worker_rates_once_an_answer_was_decided_and_may_change_it(batch):
    client = api(decided(batch, a_worker()))

    first = client.post(f"batches/{batch.pk}/rating", GOOD)
    second = client.post(f"batches/{batch.pk}/rating", {**GOOD, "pay": 1, "text": ""})

    assert first.status_code == second.status_code == 200
    kept = Rating.objects.get()
    assert (kept.fairness, kept.pay, kept.speed, kept.communication, kept.text) == (5, 1, 3, 2, "")
    assert kept.requester == batch.project.requester
    assert Event.objects.filter(kind="requester_rated").count() == 2


def test_a_rejected_answer_is_a_decided_one(batch):
    worker = a_worker()
    answered = submitted(batch, worker=worker)
    Assignment.objects.filter(pk=answered.pk).update(
        status="rejected", finished_at=NOON, reason="r", decided_by=batch.project.requester
    )

    assert api(worker).post(f"batches/{batch.pk}/rating", GOOD).status_code == 200


def test_nobody_rates_before_a_decision(batch):
    worker = a_worker()
    submitted(batch, worker=worker)
    claim(batch, worker)

    refusal = api(worker).post(f"batches/{batch.pk}/rating", GOOD)

    assert problem_of(refusal) == (409, "nothing_decided")


def test_nobody_rates_a_batch_they_never_worked_on(batch):
    refusal = api(a_worker()).post(f"batches/{batch.pk}/rating", GOOD)

    assert problem_of(refusal) == (404, "not_found")


@pytest.mark.parametrize("mark", [0, 6, 2.5, "3", None, True])
def test_a_mark_is_a_whole_number_from_1_to_5(batch, mark):
    worker = decided(batch, a_worker())

    refusal = api(worker).post(f"batches/{batch.pk}/rating", {**GOOD, "pay": mark})

    assert problem_of(refusal) == (400, "invalid_request")


def test_ratings_are_shown_from_five_persons_on(batch):
    path = f"requesters/{batch.project.requester_id}/ratings"
    rated(batch, 4)
    assert api(a_worker()).get(path).json()["results"] == []

    rated(batch, 1)

    shown = api(a_worker()).get(path).json()["results"]
    assert len(shown) == 5
    assert set(shown[0]) == {
        "id", "fairness", "pay", "speed", "communication", "text", "month", "reply",
    }  # fmt: skip


def test_a_rating_does_not_tell_whose_it_is(batch):
    workers = rated(batch)
    client = api(batch.project.requester)

    told = json.dumps(client.get(f"requesters/{batch.project.requester_id}/ratings").json())

    for worker in workers:
        assert worker.public_id not in told
        assert worker.user.username not in told
        assert batch.cursors.get(worker=worker).pseudonym not in told
    assert "batch" not in told


def test_ratings_come_in_pages(batch):
    rated(batch, 5)

    pages = pages_of(api(a_worker()), f"requesters/{batch.project.requester_id}/ratings?limit=2")

    assert [len(page) for page in pages] == [2, 2, 1]


def test_a_requester_replies_to_a_rating_of_their_own(batch):
    rated(batch)
    rating = Rating.objects.first()

    said = api(batch.project.requester).post(f"ratings/{rating.pk}/reply", {"text": "Thank you."})

    assert said.json()["reply"] == "Thank you."
    assert problem_of(api(a_requester()).post(f"ratings/{rating.pk}/reply", {"text": "x"})) == (
        404,
        "not_found",
    )


def test_a_rating_that_is_not_shown_yet_cannot_be_found_by_replying(batch):
    rated(batch, 4)
    rating = Rating.objects.first()

    refusal = api(batch.project.requester).post(f"ratings/{rating.pk}/reply", {"text": "Who?"})

    assert problem_of(refusal) == (404, "not_found")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " "}, {"text": 1}])
def test_a_reply_has_words(batch, body):
    rated(batch)

    refusal = api(batch.project.requester).post(f"ratings/{Rating.objects.first().pk}/reply", body)

    assert problem_of(refusal) == (400, "invalid_request")


def test_only_requesters_have_ratings(batch):
    worker = a_worker()

    assert problem_of(api(worker).get(f"requesters/{worker.user_id}/ratings")) == (404, "not_found")


def test_a_draft_cannot_be_rated(batch):
    worker = decided(batch, a_worker())
    Batch.objects.filter(pk=batch.pk).update(status="draft", escrow=None, published_at=None)

    assert problem_of(api(worker).post(f"batches/{batch.pk}/rating", GOOD)) == (404, "not_found")
