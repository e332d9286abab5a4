"""A POST that is repeated with its Idempotency-Key has its effect once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from marketplace.models import StoredResponse
from payments.deposits import deposit
from payments.models import Payout, Transfer
from tasks import publish, settle
from tasks.models import Answer, Assignment, Project
from tests.factories import (
    CATS_OR_DOGS,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    drafted_batch,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import JSON, Api, api, problem_of
from tests.tasks.marketplace import reread
from workers.models import Block

A_PROJECT = {"title": "Pets", "interface": CATS_OR_DOGS}


@pytest.mark.django_db
def test_a_repeated_request_gets_the_stored_answer_and_says_so():
    client = api(a_requester())

    first = client.post("projects", A_PROJECT, idempotency_key="k")
    again = client.post("projects", A_PROJECT, idempotency_key="k")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Project.objects.count() == 1


@pytest.mark.django_db
def test_without_a_key_every_request_has_its_effect_and_none_is_stored():
    client = api(a_requester())

    for _ in range(2):
        client.post("projects", A_PROJECT)

    assert Project.objects.count() == 2
    assert not StoredResponse.objects.exists()


@pytest.mark.django_db
def test_a_replay_is_the_answer_of_then():
    batch = published_batch(tasks=1)
    client = api(batch.project.requester)
    path = f"batches/{batch.pk}/pause"
    paused = client.post(path, idempotency_key="k")
    publish.resume(batch=reread_batch(batch), actor=batch.project.requester, now=NOON)

    again = client.post(path, idempotency_key="k")

    assert again.json() == paused.json()
    assert reread_batch(batch).status == "open"


def reread_batch(batch):
    return type(batch).objects.get(pk=batch.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("projects", {**A_PROJECT, "title": "Pats"}, JSON),  # as long as the first
        ("projects", {**A_PROJECT, "title": "Pats"}, "application/json; charset=utf-8"),
        ("projects", None, JSON),
        ("projects?x=1", A_PROJECT, JSON),
        ("payouts", A_PROJECT, JSON),
    ],
)
@pytest.mark.parametrize("first_kind", [JSON, "application/json; charset=utf-8"])
def test_a_key_belongs_to_one_request(path, body, kind, first_kind):
    client = api(a_requester())
    client.post("projects", A_PROJECT, first_kind, idempotency_key="k")

    refused = client.post(path, body, kind, idempotency_key="k")

    assert problem_of(refused) == (422, "key_reused")
    assert [project.title for project in Project.objects.all()] == ["Pets"]


@pytest.mark.django_db
def test_keys_are_each_users_own():
    first, second = a_requester(), a_requester()

    mine = api(first).post("projects", A_PROJECT, idempotency_key="k")
    theirs = api(second).post("projects", A_PROJECT, idempotency_key="k")

    assert mine.json()["id"] != theirs.json()["id"]
    assert "Idempotent-Replayed" not in theirs.headers
    assert {p.requester_id for p in Project.objects.all()} == {first.pk, second.pk}


@pytest.mark.django_db
def test_all_tokens_of_a_user_share_their_keys():
    requester = a_requester()

    api(requester).post("projects", A_PROJECT, idempotency_key="k")
    again = api(requester).post("projects", A_PROJECT, idempotency_key="k")

    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.django_db
def test_a_failed_request_may_be_repeated_with_its_key():
    batch = drafted_batch(tasks=1, reward=usd(3), fee_basis_points=0)
    requester = batch.project.requester
    client = api(requester)
    path = f"batches/{batch.pk}/publish"

    failed = client.post(path, idempotency_key="k")
    assert not StoredResponse.objects.exists()
    deposit(owner_id=requester.pk, amount=usd(3), reference="r", now=NOON)
    mended = client.post(path, idempotency_key="k")

    assert problem_of(failed) == (402, "insufficient_funds")
    assert (mended.status_code, mended.json()["status"]) == (200, "open")


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"title": ""}', b'{"title": "a", "title": "b"}'])
def test_a_refused_body_is_not_remembered(body):
    client = api(a_requester())

    refused = client.post("projects", body, idempotency_key="k")
    mended = client.post("projects", A_PROJECT, idempotency_key="k")

    assert (refused.status_code, mended.status_code) == (400, 201)


@pytest.mark.django_db
def test_an_answer_that_says_ask_again_later_is_not_remembered():
    batch = published_batch(tasks=1)
    held = claim(batch)
    client = api(a_worker())
    path = f"batches/{batch.pk}/claim"
    client.post(path)

    empty = [client.post(path, idempotency_key="k") for _ in range(2)]
    client_of_holder = api(held.worker)
    client_of_holder.post(f"assignments/{held.pk}/skip")
    got = client.post(path, idempotency_key="k")

    assert [each.status_code for each in empty] == [204, 204]
    assert all("Retry-After" in each.headers for each in empty)
    assert got.status_code == 201


@pytest.mark.django_db
def test_an_answer_without_a_body_is_replayed():
    requester, worker = a_requester(), a_worker()
    client, said = api(requester), {"worker": worker.public_id}

    first, again = (client.post("blocks", said, idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert (first.content, again.content) == (b"", b"")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Block.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["k", "k" * 255, "a b", "~!@#$%^&*()", "\xe9"])
def test_a_key_is_1_to_255_printable_characters(key):
    assert api(a_requester()).post("projects", A_PROJECT, idempotency_key=key).status_code == 201
    assert StoredResponse.objects.get().key == key


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "a\0b", "a\x1bb", "\x85", "\xad"])
def test_a_key_that_is_none_is_refused(key):
    refused = api(a_requester()).post("projects", A_PROJECT, idempotency_key=key)

    assert problem_of(refused) == (400, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_who_may_not_call_stores_nothing():
    refused = Api("cw_nonsense").post("projects", A_PROJECT, idempotency_key="k")

    assert problem_of(refused) == (401, "authentication_failed")
    assert not StoredResponse.objects.exists()


@pytest.mark.django_db
def test_a_body_of_more_than_a_mebibyte_is_too_large_with_a_key_as_without():
    client = api(a_requester())
    body = b'{"title": "%b"}' % (b"x" * (1 << 20))

    without = client.post("projects", body)
    keyed = client.post("projects", body, idempotency_key="k")

    assert problem_of(without) == problem_of(keyed) == (413, "too_large")
    assert not StoredResponse.objects.exists()


@pytest.mark.django_db
def test_a_put_is_replayed_too():
    batch = published_batch(tasks=1)
    client = api(batch.project.requester)

    for _ in range(2):
        put = client.put(
            f"batches/{batch.pk}/qualifications", {"qualifications": []}, idempotency_key="k"
        )

    assert put.headers["Idempotent-Replayed"] == "true"
    assert reread_batch(batch).requirements_version == 1


# At once


def at_once(threads, function):
    """Run ``function`` in so many threads at the same moment; their results."""
    start = threading.Barrier(threads)

    def run(number):
        try:
            start.wait()
            return function(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def paid_worker():
    batch, worker = published_batch(tasks=1, reward=usd(100)), a_worker()
    assignment = reread(submitted(batch, worker=worker))
    settle.accept(assignment=assignment, actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    return worker


@pytest.mark.django_db(transaction=True)
def test_eight_requests_with_one_key_at_once_have_one_effect():
    worker = paid_worker()
    callers = [api(worker) for _ in range(8)]

    answers = at_once(8, lambda n: callers[n].post("payouts", {"amount": 10}, idempotency_key="k"))

    assert [answer.status_code for answer in answers] == [201] * 8
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert Payout.objects.count() == 1
    assert Transfer.objects.filter(kind="payout").count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_uploads_with_one_key_at_once_are_one():
    batch = drafted_batch(tasks=0)
    callers = [api(batch.project.requester) for _ in range(8)]

    answers = at_once(
        8,
        lambda n: callers[n].post(
            f"batches/{batch.pk}/tasks", [{"text": "a"}], idempotency_key="k"
        ),
    )

    assert {answer.status_code for answer in answers} == {201}
    assert reread_batch(batch).task_count == 1


@pytest.mark.django_db(transaction=True)
def test_eight_different_requests_with_one_key_at_once_are_one_and_seven_refusals():
    worker = paid_worker()
    callers = [api(worker) for _ in range(8)]

    answers = at_once(
        8, lambda n: callers[n].post("payouts", {"amount": n + 1}, idempotency_key="k")
    )

    assert sorted(answer.status_code for answer in answers) == [201, *[422] * 7]
    assert Payout.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_submits_of_one_assignment_at_once_store_one_answer():
    assignment = claim(published_batch(tasks=1))
    callers = [api(assignment.worker) for _ in range(8)]
    path = f"assignments/{assignment.pk}/submit"

    answers = at_once(8, lambda n: callers[n].post(path, {"answer": ["cat", "dog"][n % 2]}))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    won = next(answer for answer in answers if answer.status_code == 200)
    assert Answer.objects.get().value == won.json()["answer"]
    assert Assignment.objects.get().status == "submitted"


@pytest.mark.django_db(transaction=True)
def test_eight_publications_against_one_wallet_spend_it_once():
    requester = a_requester(usd(10))
    batches = [
        drafted_batch(
            tasks=1, reward=usd(6), fee_basis_points=0, project=a_project(requester=requester)
        )
        for _ in range(8)
    ]
    callers = [api(requester) for _ in range(8)]

    answers = at_once(8, lambda n: callers[n].post(f"batches/{batches[n].pk}/publish"))

    assert sorted(answer.status_code for answer in answers) == [200, *[402] * 7]
    assert Transfer.objects.filter(kind="allocate").count() == 1
