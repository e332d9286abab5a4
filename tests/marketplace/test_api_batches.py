"""Filling, pricing and running a batch over the REST API."""

from __future__ import annotations

import pytest

from payments import accounts
from payments.deposits import deposit
from tasks import answer, progress, settle
from tasks.models import Batch
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    drafted_batch,
    gold_rows,
    published_batch,
    rows,
    submitted,
    usd,
)
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, api, problem_of
from workers import qualify

pytestmark = pytest.mark.django_db


def a_draft(**fields):
    """A draft of one task for three cents an answer, and a client of its requester."""
    batch = drafted_batch(reward=usd(3), fee_basis_points=0, **fields)
    return batch, api(batch.project.requester)


def put_in_wallet(batch, cents):
    owner = batch.project.requester_id
    deposit(owner_id=owner, amount=usd(cents), reference=f"bank {batch.pk} {cents}", now=NOON)


def test_a_quote_says_what_publishing_would_cost_and_what_is_missing():
    batch, client = a_draft(
        tasks=[*rows(4), *gold_rows(1)], overlap=2, gold_rate=0.2, project=a_project()
    )
    put_in_wallet(batch, 10)

    quoted = client.post(f"batches/{batch.pk}/quote")

    assert quoted.status_code == 200
    assert quoted.json() == {
        "tasks": 4,
        "gold": 1,
        "answers": 10,
        "rewards": 30,
        "fees": 0,
        "reserve": 0,
        "floor": None,
        "minimum_reward": None,
        "seconds": None,
        "seconds_from": None,
        "pilot": False,
        "total": 30,
        "wallet": 10,
        "missing": 20,
        "currency": "USD",
    }


def test_publishing_opens_the_batch_and_moves_its_cost_into_escrow():
    batch, client = a_draft(tasks=2)
    put_in_wallet(batch, 10)

    published = client.post(f"batches/{batch.pk}/publish")

    assert published.status_code == 200
    body = published.json()
    assert (body["status"], body["published_at"]) == ("open", AN_INSTANT)
    assert body["money"] == {"budget": 6, "spent": 0, "reserved": 6}
    assert accounts.wallet_of(batch.project.requester_id, "USD").balance == usd(4)


def test_publishing_with_too_little_in_the_wallet_says_how_much_is_missing():
    batch, client = a_draft(tasks=3)
    put_in_wallet(batch, 4)

    refused = client.post(f"batches/{batch.pk}/publish")

    assert problem_of(refused) == (402, "insufficient_funds")
    assert (refused.json()["missing"], refused.json()["currency"]) == (5, "USD")
    assert client.get(f"batches/{batch.pk}").json()["status"] == "draft"
    assert accounts.wallet_of(batch.project.requester_id, "USD").balance == usd(4)


def test_an_empty_batch_cannot_be_published():
    batch, client = a_draft(tasks=0)

    assert problem_of(client.post(f"batches/{batch.pk}/publish")) == (422, "empty_batch")


def test_a_batch_is_paused_resumed_and_closed():
    batch = published_batch(tasks=1)
    client = api(batch.project.requester)

    moves = [client.post(f"batches/{batch.pk}/{move}") for move in ("pause", "resume", "close")]

    assert [move.status_code for move in moves] == [200, 200, 200]
    assert [move.json()["status"] for move in moves] == ["paused", "open", "closing"]


@pytest.mark.parametrize("move", ["pause", "resume", "close"])
def test_a_draft_cannot_be_moved_but_published(move):
    batch, client = a_draft(tasks=1)

    assert problem_of(client.post(f"batches/{batch.pk}/{move}")) == (409, "illegal_transition")
    assert Batch.objects.get().status == "draft"


@pytest.mark.parametrize("move", ["publish", "resume"])
def test_an_open_batch_can_be_neither_published_nor_resumed(move):
    batch = published_batch(tasks=1)

    refused = api(batch.project.requester).post(f"batches/{batch.pk}/{move}")

    assert problem_of(refused) == (409, "illegal_transition")
    assert Batch.objects.get().status == "open"


def test_a_batch_shows_how_far_it_has_got():
    batch = published_batch(tasks=2, overlap=2, reward=usd(5))
    worker = a_worker()
    submitted(batch, worker=worker)
    skipped = claim(batch, worker)
    answer.skip(assignment=skipped, now=NOON)
    paid = submitted(batch, worker=a_worker())
    paid.refresh_from_db()
    settle.accept(assignment=paid, actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    progress.count_due(now=NOON + HOUR)

    shown = api(batch.project.requester).get(f"batches/{batch.pk}")

    assert shown.status_code == 200
    assert shown.json() == {
        "id": batch.pk,
        "project": batch.project_id,
        "version": 1,
        "status": "open",
        "reward": 5,
        "fee": 1,
        "currency": "USD",
        "overlap": 2,
        "redundancy": {
            "policy": "fixed",
            "min": 1,
            "max": 15,
            "rule": "gain",
            "target": 0.95,
            "budget": None,
        },
        "purpose": "work",
        "grants": None,
        "pass_mark": 0.8,
        "rules": [],
        "assignment_duration_seconds": 1800,
        "auto_accept_delay_seconds": 259_200,
        "gold_rate": 0.05,
        "max_live_assignments": 20,
        "qualifications": [],
        "aggregation": "auto",
        "tasks": 2,
        "gold": 0,
        "answers_wanted": 4,
        "money": {"budget": 24, "spent": 6, "reserved": 18},
        "estimate_seconds": None,
        "floor": None,
        "reserve": {"brought": 0, "left": 0, "each": 0},
        "pilot_left": None,
        "paused_for": "",
        "content_warnings": [],
        "data_use": "",
        "progress": {
            "tasks_done": 0,
            "open_slots": 2,
            "active": 0,
            "submitted": 1,
            "accepted": 1,
            "rejected": 0,
            "skipped": 1,
            "expired": 0,
            "paid": 1,
            "workers": 2,
            "median_seconds": MINUTE.total_seconds(),
            "confidence": None,
            "counted_at": "2026-01-01T13:00:00Z",
        },
        "created_at": "2026-01-01T12:00:00Z",
        "published_at": "2026-01-01T12:00:00Z",
        "aggregated_at": None,
        "closed_at": None,
    }


def test_the_list_holds_the_callers_own_batches_newest_first_in_two_queries(
    django_assert_max_num_queries,
):
    project = a_project()
    first, second = (published_batch(project=project) for _ in range(2))
    drafted_batch()
    client = api(project.requester)

    with django_assert_max_num_queries(3):  # who calls, when the key was used, the batches
        listed = client.get("batches").json()

    assert [each["id"] for each in listed["results"]] == [second.pk, first.pk]


def test_who_may_work_on_a_batch_can_be_changed():
    batch = published_batch(tasks=2)
    requester = batch.project.requester
    french = qualify.define(requester=requester, name="Reads French", now=NOON)
    asked = [{"qualification": french.pk, "comparator": "gte", "values": [80]}]
    client, worker = api(requester), a_worker()
    claim(batch, worker)

    changed = client.put(f"batches/{batch.pk}/qualifications", {"qualifications": asked})

    assert (changed.status_code, changed.json()["qualifications"]) == (200, asked)
    refused = api(worker).post(f"batches/{batch.pk}/claim")
    assert problem_of(refused) == (403, "not_qualified")
    assert refused.json()["unmet"] == asked


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"qualifications": None}, 400, "invalid_request"),
        ({"qualifications": "country"}, 422, "invalid_requirement"),
        ({"qualifications": [{"qualification": True, "comparator": "exists"}]}, 422, None),
        ({"qualifications": [{"qualification": 2**62, "comparator": "exists"}]}, 422, None),
        (
            {"qualifications": [{"qualification": "country", "comparator": "eq", "values": [1]}]},
            422,
            None,
        ),
    ],
)
def test_requirements_that_are_not_understood_change_nothing(body, status, code):
    batch = published_batch(tasks=1)

    refused = api(batch.project.requester).put(f"batches/{batch.pk}/qualifications", body)

    assert problem_of(refused) == (status, code or "invalid_requirement")
    assert Batch.objects.get().requirements_version == 0


def test_an_upload_into_a_running_batch_is_paid_for_or_refused_whole():
    batch = published_batch(tasks=1, reward=usd(3), fee_basis_points=0)
    client = api(batch.project.requester)
    more = [{"image": "a.png"}, {"image": "b.png"}]

    refused = client.post(f"batches/{batch.pk}/tasks", more)
    put_in_wallet(batch, 6)
    taken = client.post(f"batches/{batch.pk}/tasks", more)

    assert problem_of(refused) == (402, "insufficient_funds")
    assert refused.json()["missing"] == 6
    assert taken.json() == {"tasks": 2, "gold": 0, "rejected": 0, "rejections": []}
    assert Batch.objects.get().budget_minor == 9
    assert Batch.objects.get().task_count == 3


def test_a_closed_batch_takes_no_more_tasks():
    batch = published_batch(tasks=1)
    client = api(batch.project.requester)
    client.post(f"batches/{batch.pk}/close")

    refused = client.post(f"batches/{batch.pk}/tasks", [{"image": "a.png"}])

    assert problem_of(refused) == (409, "illegal_transition")
    assert Batch.objects.get().task_count == 1


def test_the_whole_way_of_a_batch_over_http():
    requester = a_requester(usd(100))
    owner = api(requester)
    interface = [{"type": "choice", "name": "label", "options": ["cat", "dog"]}]

    project = owner.post("projects", {"title": "Pets", "interface": interface}).json()
    batch = owner.post(f"projects/{project['id']}/batches", {"reward": 5, "overlap": 1}).json()
    owner.post(f"batches/{batch['id']}/tasks", [{"image": "a.png"}])
    owner.post(f"batches/{batch['id']}/publish")
    worker = api(a_worker())
    assignment = worker.post(f"batches/{batch['id']}/claim").json()
    worker.post(f"assignments/{assignment['id']}/submit", {"answer": "cat"})
    decided = owner.post(f"assignments/{assignment['id']}/accept")

    assert decided.json() == {
        "id": A_NUMBER,
        "status": "accepted",
        "submitted_at": AN_INSTANT,
        "finished_at": AN_INSTANT,
        "reason": "",
    }
