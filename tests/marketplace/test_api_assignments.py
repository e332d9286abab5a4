"""The worker's side of the REST API: claim a task, submit it, hand it back."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from marketplace import metrics
from tasks import distribute, publish, settle
from tasks.models import Answer, Assignment, Batch
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_user,
    a_worker,
    claim,
    drafted_batch,
    gold_rows,
    published_batch,
    refuse,
    rows,
    slots,
    submitted,
    usd,
)
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, Api, api, problem_of
from tests.tasks.marketplace import reread
from workers import blocks, standing
from workers.models import Block

pytestmark = pytest.mark.django_db


# Claiming


def test_a_claim_gives_everything_a_worker_needs():
    batch = published_batch(tasks=1, reward=usd(7))

    claimed = api(a_worker()).post(f"batches/{batch.pk}/claim")

    assert claimed.status_code == 201
    assert claimed.json() == {
        "id": A_NUMBER,
        "status": "active",
        "batch": batch.pk,
        "task": A_NUMBER,
        "title": "Cats or dogs",
        "instructions": "Say which animal you see.",
        "interface": [{"type": "choice", "name": "label", "options": ["cat", "dog"]}],
        "input": {"image": "0.png"},
        "suggestion": None,
        "deadline_at": AN_INSTANT,
        "reward": 7,
        "currency": "USD",
    }
    assert Assignment.objects.get().pk == claimed.json()["id"]


def test_a_claim_with_a_count_gives_a_list_of_at_most_so_many():
    batch = published_batch(tasks=4)

    several = api(a_worker()).post(f"batches/{batch.pk}/claim?count=3")
    rest = api(a_worker()).post(f"batches/{batch.pk}/claim?count=20")

    assert (several.status_code, len(several.json()), len(rest.json())) == (201, 3, 1)
    assert len({each["task"] for each in [*several.json(), *rest.json()]}) == 4


@pytest.mark.parametrize(
    "count", ["0", "21", "-1", "1.0", "", "x", "1_0", "٣", " 1", "+1", "0x1", "9" * 5000, "true"]
)
def test_a_count_that_is_no_whole_number_up_to_20_claims_nothing(count):
    batch = published_batch(tasks=2)
    query = f"?count={count}".replace("+", "%2B").replace(" ", "%20")

    refused = api(a_worker()).post(f"batches/{batch.pk}/claim{query}")

    assert problem_of(refused) == (400, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == "/count"
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("query", ["", "?count=2"])
def test_a_claim_that_finds_nothing_says_when_to_ask_again(query):
    batch, worker = published_batch(tasks=1), a_worker()
    claim(batch)

    empty = api(worker).post(f"batches/{batch.pk}/claim{query}")

    assert (empty.status_code, empty.content) == (204, b"")
    assert int(empty.headers["Retry-After"]) >= 1


def test_a_paused_batch_gives_nothing_for_now():
    batch = published_batch(tasks=1)
    worker = a_worker()
    distribute.claim(batch_id=batch.pk, worker=worker, now=NOON, draw=lambda: 0.9)
    publish.pause(batch=batch, actor=batch.project.requester, now=NOON)

    empty = api(worker).post(f"batches/{batch.pk}/claim")

    assert (empty.status_code, empty.headers["Retry-After"]) == (204, "60")


def test_a_draft_does_not_exist_for_workers():
    refused = api(a_worker()).post(f"batches/{drafted_batch().pk}/claim")

    assert problem_of(refused) == (404, "not_found")
    assert refused.content == api(a_worker()).post(f"batches/{2**62}/claim").content


def test_a_worker_who_holds_as_many_as_allowed_gets_no_more():
    batch, worker = published_batch(tasks=3, max_live_assignments=1), a_worker()
    claim(batch, worker)

    refused = api(worker).post(f"batches/{batch.pk}/claim")

    assert problem_of(refused) == (409, "too_many_live_assignments")
    assert Assignment.objects.count() == 1


def test_nobody_works_on_their_own_batch():
    both = a_user(requester=True, worker=True)
    batch = published_batch(tasks=1, project=a_project(requester=both))

    refused = api(both).post(f"batches/{batch.pk}/claim")

    assert problem_of(refused) == (403, "own_batch")
    assert not Assignment.objects.exists()


def test_a_blocked_and_a_suspended_worker_get_nothing():
    batch, blocked, suspended = published_batch(tasks=1), a_worker(), a_worker()
    blocks.block(
        requester=batch.project.requester,
        worker=blocked,
        direction=Block.Direction.REQUESTER,
        now=NOON,
        actor=None,
    )
    standing.suspend(worker=suspended, reason="spam", now=NOON, actor=a_requester())
    path = f"batches/{batch.pk}/claim"

    assert problem_of(api(blocked).post(path)) == (403, "blocked")
    assert problem_of(api(suspended).post(path)) == (403, "worker_not_active")
    assert not Assignment.objects.exists()


def test_gold_looks_like_any_other_task():
    # Of so many of both, a worker gets some of both: each claim is gold with even chances.
    batch = published_batch(tasks=[*rows(30), *gold_rows(30)], gold_rate=0.5)
    worker = api(a_worker())

    rounds = [worker.post(f"batches/{batch.pk}/claim?count=10").json() for _ in range(2)]
    claimed = [one for given in rounds for one in given]
    held = worker.get("assignments").json()
    said = [
        worker.post(f"assignments/{one['id']}/submit", {"answer": {"label": "dog"}})
        for one in claimed
    ]

    assert set(Assignment.objects.values_list("is_gold", flat=True)) == {True, False}
    assert len({tuple(one) for one in [*claimed, *held]}) == 1  # the same fields in the same order
    assert {tuple(one.json()) for one in said} == {("id", "status", "answer")}
    assert {tuple(one["input"]) for one in claimed} == {("image",)}


def test_claims_are_counted_for_the_operator():
    batch = published_batch(tasks=2)
    before = metrics.CLAIMS._value.get()

    api(a_worker()).post(f"batches/{batch.pk}/claim?count=2")

    assert metrics.CLAIMS._value.get() == before + 2


# What a worker holds


def test_a_worker_sees_what_they_hold_as_it_was_given_oldest_deadline_first():
    first, second = published_batch(tasks=1), published_batch(tasks=2)
    worker = a_worker()
    client = api(worker)
    later = client.post(f"batches/{second.pk}/claim").json()
    sooner = claim(first, worker)  # at noon, which is long ago
    submitted(second, worker=worker)
    claim(published_batch(tasks=1))

    held = client.get("assignments")

    assert held.status_code == 200
    assert [each["id"] for each in held.json()] == [sooner.pk, later["id"]]
    assert held.json()[1] == later


# Submitting


def test_an_answer_is_stored_in_the_interfaces_shape():
    assignment = claim(published_batch(tasks=1))
    client = api(assignment.worker)

    said = client.post(f"assignments/{assignment.pk}/submit", {"answer": "cat"})

    assert said.status_code == 200
    assert said.json() == {
        "id": assignment.pk,
        "status": "submitted",
        "answer": {"label": "cat"},
    }
    assert Answer.objects.get().value == {"label": "cat"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
        ({"answer": None}, 400, "invalid_request"),
        ({"answer": "horse"}, 422, "invalid_answer"),
        ({"answer": ["cat"]}, 422, "invalid_answer"),
        ({"answer": True}, 422, "invalid_answer"),
        ({"answer": {"label": "cat", "other": 1}}, 422, "invalid_answer"),
        ({"answer": {}}, 422, "invalid_answer"),
    ],
)
def test_an_answer_that_does_not_fit_is_not_stored(body, status, code):
    assignment = claim(published_batch(tasks=1))

    refused = api(assignment.worker).post(f"assignments/{assignment.pk}/submit", body)

    assert problem_of(refused) == (status, code)
    assert not Answer.objects.exists()
    assert Assignment.objects.get().status == "active"


DECISIONS = {
    "submitted": [],
    "accepted": ["accept"],
    "rejected": ["reject"],
    "paid": ["accept", "pay"],
}


@pytest.mark.parametrize("then", ["submit", "skip"])
@pytest.mark.parametrize("state", DECISIONS)
def test_an_answered_assignment_is_neither_answered_nor_skipped_again(state, then):
    assignment = reread(submitted(published_batch(tasks=1), "cat"))
    actor = assignment.batch.project.requester
    for step in DECISIONS[state]:
        if step == "accept":
            settle.accept(assignment=assignment, actor=actor, now=NOON)
        elif step == "reject":
            refuse(assignment=assignment, actor=actor, now=NOON)
        else:
            settle.pay_accepted(now=NOON)
    before = Assignment.objects.values().get()
    client = api(assignment.worker)

    refused = client.post(f"assignments/{assignment.pk}/{then}", {"answer": "dog"})
    changed = [
        client.send(method, f"assignments/{assignment.pk}/{then}", {"answer": "dog"})
        for method in ("PUT", "PATCH", "DELETE")
    ]

    assert problem_of(refused) == (409, "illegal_transition")
    assert [each.status_code for each in changed] == [405] * 3
    kept = Answer.objects.get()
    assert kept.value == {"label": "cat"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT sha256(value::text::bytea) FROM tasks_answer")
        assert bytes(kept.sha256) == bytes(cursor.fetchone()[0])
    assert Assignment.objects.values().get() == before
    assert "label" not in refused.content.decode()


def test_an_answer_after_the_assignment_expired_is_refused():
    assignment = claim(published_batch(tasks=1))
    distribute.expire_overdue(now=NOON + 9 * HOUR)

    refused = api(assignment.worker).post(f"assignments/{assignment.pk}/submit", {"answer": "cat"})

    assert problem_of(refused) == (409, "illegal_transition")
    assert not Answer.objects.exists()


@pytest.mark.parametrize("route", ["submit", "skip"])
def test_somebody_elses_assignment_does_not_exist(route):
    theirs = claim(published_batch(tasks=1))
    client = api(a_worker())

    foreign = client.post(f"assignments/{theirs.pk}/{route}", {"answer": "cat"})

    assert problem_of(foreign) == (404, "not_found")
    missing = client.post(f"assignments/{2**62}/{route}", {"answer": "cat"})
    assert foreign.content == missing.content
    assert Assignment.objects.get().status == "active"


def test_answers_are_counted_for_the_operator():
    assignment = claim(published_batch(tasks=1))
    before = metrics.SUBMITS._value.get()

    api(assignment.worker).post(f"assignments/{assignment.pk}/submit", {"answer": "cat"})

    assert metrics.SUBMITS._value.get() == before + 1


# Handing back


@pytest.mark.parametrize(
    ("body", "reason"),
    [(None, ""), ({}, ""), ({"reason": " too blurred\n"}, " too blurred\n"), ({"reason": ""}, "")],
)
def test_a_skipped_assignment_is_open_to_others_again(body, reason):
    batch = published_batch(tasks=1)
    assignment = claim(batch)

    skipped = api(assignment.worker).post(f"assignments/{assignment.pk}/skip", body)

    assert (skipped.status_code, skipped.json()) == (
        200,
        {"id": assignment.pk, "status": "skipped"},
    )
    assert (slots(batch), Assignment.objects.get().reason) == ([1], reason)


@pytest.mark.parametrize("body", [[], 0, False, "", None, {"reason": 5}, {"reason": "x" * 501}])
def test_a_skip_with_an_odd_body_is_refused(body):
    assignment = claim(published_batch(tasks=1))

    refused = api(assignment.worker).post(
        f"assignments/{assignment.pk}/skip", json.dumps(body).encode()
    )

    assert problem_of(refused) == (400, "invalid_request")
    assert Assignment.objects.get().status == "active"


def test_everything_a_worker_does_takes_a_bounded_number_of_queries(django_assert_max_num_queries):
    batch = published_batch(tasks=4)
    worker = api(a_worker())
    worker.post(f"batches/{batch.pk}/claim")

    with django_assert_max_num_queries(5):  # savepoint, stand, take, release; who calls
        assignment = worker.post(f"batches/{batch.pk}/claim").json()
    with django_assert_max_num_queries(3):  # who calls, which version, submit
        worker.post(f"assignments/{assignment['id']}/submit", {"answer": "cat"})


def test_a_caller_without_a_token_learns_nothing():
    batch = published_batch(tasks=1)

    refused = Api(None).post(f"batches/{batch.pk}/claim")

    assert problem_of(refused) == (401, "not_authenticated")
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="crowdwright"'
    assert Batch.objects.get().status == "open"
