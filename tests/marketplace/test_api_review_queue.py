"""The queue of doubtful tasks, as its requester sees and decides it."""

from __future__ import annotations

import pytest

from tasks.models import Batch, Consensus, Review
from tasks.reviews import experts
from tests.factories import NOON, a_requester, a_worker, fresh
from tests.marketplace.clients import (
    A_NUMBER,
    A_PSEUDONYM,
    AN_INSTANT,
    api,
    pages_of,
    problem_of,
    text_of,
)
from tests.tasks.asking import requiring
from tests.tasks.reviewing import (
    LATER,
    combine,
    disputed,
    fixed,
    funded,
    owner,
    put_up,
    say,
    task_ids,
)
from tests.workers.make import a_qualification_type
from workers import qualify

pytestmark = pytest.mark.django_db


def doubted(count=1):
    batch = disputed(count, make=fixed)
    put_up(batch)
    return batch, api(owner(batch))


def test_a_waiting_review_shows_all_that_its_reviewer_must_see():
    batch, client = doubted()

    listed = client.get(f"batches/{batch.pk}/reviews")

    assert listed.status_code == 200
    given = [
        {"worker": A_PSEUDONYM, "answer": {"label": label}, "status": "submitted",
         "submitted_at": "2026-01-01T12:00:00Z"}
        for label in ("cat", "dog")
    ]  # fmt: skip
    assert listed.json() == {
        "next": None,
        "previous": None,
        "results": [
            {
                "id": A_NUMBER,
                "task": task_ids(batch)[0],
                "external_id": "0",
                "reason": "requested",
                "status": "waiting",
                "confidence": 0.5,
                "input": {"image": "0.png"},
                "proposal": {"label": "cat"},
                "consensus": {"label": "cat"},
                "answers": given,
                "value": None,
                "note": "",
                "experts": None,
                "gold": None,
                "created_at": AN_INSTANT,
                "decided_at": None,
            }
        ],
    }


def test_the_least_certain_come_first_page_by_page():
    batch, client = doubted(7)
    for task, confidence in zip(
        task_ids(batch), [0.5, 0.1 + 0.2, 0.5, 0.5, 0.25, 1, 0], strict=True
    ):
        Review.objects.filter(task=task).update(confidence=confidence)

    pages = pages_of(client, f"batches/{batch.pk}/reviews?limit=2")

    found = [[row["confidence"] for row in page] for page in pages]
    assert found == [[0, 0.25], [0.1 + 0.2, 0.5], [0.5, 0.5], [1]]
    assert len({row["id"] for page in pages for row in page}) == 7


def test_a_page_costs_the_same_however_long_it_is(django_assert_max_num_queries):
    batch, client = doubted(20)
    client.get("work")

    with django_assert_max_num_queries(10):
        assert len(client.get(f"batches/{batch.pk}/reviews").json()["results"]) == 20


@pytest.mark.parametrize("query", ["cursor=x", "cursor=0.5", "cursor=nan:1", "status=done"])
def test_a_query_that_makes_no_sense_is_refused(query):
    batch, client = doubted()

    refused = client.get(f"batches/{batch.pk}/reviews?{query}")

    assert problem_of(refused) == (400, "invalid_request")


def test_reviews_are_requested_by_confidence_or_by_task():
    batch = disputed(3, make=fixed)
    client, path = api(owner(batch)), f"batches/{batch.pk}/reviews"

    made = [
        client.post(path, {"tasks": task_ids(batch)[:1]}),
        client.post(path, {"below": 0.9, "limit": 1}),
        client.post(path, {"below": 0.9}),
        client.post(path, {"below": 0.9}),
    ]

    assert [(each.status_code, each.json()) for each in made] == [
        (201, {"queued": queued}) for queued in (1, 1, 1, 0)
    ]


@pytest.mark.parametrize("body", [{}, {"below": 0.5, "tasks": [1]}, {"below": 2}, {"tasks": ["1"]}])
def test_a_request_names_one_or_the_other(body):
    batch, client = doubted()

    assert problem_of(client.post(f"batches/{batch.pk}/reviews", body))[0] == 400


def test_a_review_is_accepted_fixed_or_sent_back_and_its_history_kept():
    batch, client = doubted(3)
    funded(batch, 100)
    first, second, third = Review.objects.order_by("pk")

    accepted = client.post(f"reviews/{first.pk}/accept", {"note": "Ears."})
    changed = client.post(f"reviews/{second.pk}/fix", {"value": "dog"})
    returned = client.post(f"reviews/{third.pk}/send_back", {"answers": 2})

    assert [each.status_code for each in (accepted, changed, returned)] == [200, 200, 200]
    told = [each.json() for each in (accepted, changed, returned)]
    assert [(each["status"], each["value"]) for each in told] == [
        ("accepted", {"label": "cat"}), ("fixed", {"label": "dog"}), ("sent_back", None),
    ]  # fmt: skip
    assert (told[0]["note"], told[1]["consensus"]) == ("Ears.", {"label": "dog"})
    assert client.get(f"batches/{batch.pk}/reviews").json()["results"] == []
    assert client.get(f"batches/{batch.pk}/reviews?status=fixed").json()["results"] == [told[1]]

    client.post(f"batches/{batch.pk}/reviews", {"tasks": [second.task_id]})
    history = client.get(f"tasks/{second.task_id}/reviews").json()["results"]
    assert [(row["status"], row["proposal"]) for row in history] == [
        ("waiting", {"label": "dog"}), ("fixed", {"label": "cat"}),
    ]  # fmt: skip


def test_a_second_decision_an_unfit_answer_and_an_empty_wallet_are_refused():
    _, client = doubted(2)
    first, second = Review.objects.order_by("pk")
    client.post(f"reviews/{first.pk}/accept")

    refused = [
        client.post(f"reviews/{first.pk}/fix", {"value": "dog"}),
        client.post(f"reviews/{second.pk}/fix", {"value": "bird"}),
        client.post(f"reviews/{second.pk}/send_back"),
    ]

    assert [problem_of(each) for each in refused] == [
        (409, "illegal_transition"), (422, "invalid_answer"), (402, "insufficient_funds"),
    ]  # fmt: skip
    assert fresh(second).status == "waiting"


def test_a_repeated_decision_with_one_key_is_one_decision():
    _, client = doubted()
    [row] = Review.objects.all()

    for _ in range(2):
        made = client.post(f"reviews/{row.pk}/fix", {"value": "dog"}, idempotency_key="k")
        assert (made.status_code, made.json()["value"]) == (200, {"label": "dog"})


def test_experts_are_asked_and_what_they_say_is_shown():
    batch, client = doubted(2)
    funded(batch, 1_000)
    kind, expert = a_qualification_type(owner(batch)), a_worker()
    qualify.grant(type=kind, worker=expert, now=NOON, actor=None)

    asked = {"qualifications": requiring(kind), "reward": 20}
    made = client.post(f"batches/{batch.pk}/experts", asked)

    assert made.status_code == 201
    told = made.json()
    assert (told["status"], told["tasks"], told["reward"], told["fee"]) == ("open", 2, 20, 4)
    rows = client.get(f"batches/{batch.pk}/reviews").json()["results"]
    assert {row["experts"] for row in rows} == {told["id"]}

    say(Batch.objects.get(pk=told["id"]), expert, "dog", "dog")
    combine(Batch.objects.get(pk=told["id"]))
    experts.collect_experts(now=LATER)
    fixed_now = client.get(f"batches/{batch.pk}/reviews?status=fixed").json()["results"]
    assert [row["consensus"] for row in fixed_now] == [{"label": "dog"}] * 2
    assert fixed_now[0]["note"] == f"Decided by experts in batch {told['id']}."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reward": 5}, 400),
        ({"reward": 0, "qualifications": []}, 400),
        ({"reward": 5, "qualifications": []}, 422),
        ({"reward": 5, "qualifications": [{"qualification": 2**40, "comparator": "exists"}]}, 422),
        ({"reward": 5, "qualifications": "all"}, 422),
        ({"reward": 5, "qualifications": [], "reviews": []}, 400),
        ({"reward": 5, "qualifications": [], "reviews": [True]}, 400),
        ({"reward": 5, "qualifications": [], "overlap": 21}, 400),
    ],
)
def test_a_bad_request_for_experts_is_refused(body, status):
    batch, client = doubted()

    assert problem_of(client.post(f"batches/{batch.pk}/experts", body))[0] == status
    assert Batch.objects.count() == 1


def test_a_stranger_sees_no_review_and_decides_none():
    batch, _ = doubted()
    [row] = Review.objects.all()
    stranger = api(a_requester())

    for answer in (
        stranger.get(f"batches/{batch.pk}/reviews"),
        stranger.get(f"tasks/{row.task_id}/reviews"),
        stranger.post(f"reviews/{row.pk}/accept"),
    ):
        assert problem_of(answer) == (404, "not_found")
    assert Consensus.objects.get().source == "crowd"


def test_no_review_tells_who_a_worker_is():
    batch, client = doubted()
    workers = [given.worker for given in batch.assignments.select_related("worker__user")]

    text = text_of(client.get(f"batches/{batch.pk}/reviews"))

    for worker in workers:
        assert worker.public_id not in text
        assert worker.user.username not in text
