"""Requesters meet workers under a pseudonym per batch, and under nothing else.

Every answer that a requester can get is read to its last value; none may hold anything by which a
worker could be found again elsewhere.
"""

from __future__ import annotations

import pytest

from tasks import aggregate, answer, progress, settle
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_user,
    claim,
    published_batch,
    refuse,
    rows,
    submitted,
    usd,
)
from tests.marketplace.clients import A_PSEUDONYM, api, rows_of, text_of
from tests.tasks.marketplace import reread
from workers import people, qualify

pytestmark = pytest.mark.django_db
EXPORTS = ["results", "answers", "workers"]


@pytest.fixture
def worker():
    """A worker of whom every identifying value is unmistakable."""
    user = people.register(
        username="canary-name",
        email="canary@worker.example",
        worker=True,
        country="LI",
        now=NOON,
    )
    type(user).objects.filter(pk=user.pk).update(
        first_name="Canaria", last_name="Serinus", person=user.person_id
    )
    return user.worker


@pytest.fixture
def requester():
    return a_requester(usd(10_000))


@pytest.fixture
def batches(worker, requester):
    """Two batches of one project in which the worker did everything a worker can do."""
    project = a_project(requester=requester)
    made = []
    for _ in range(2):
        batch = published_batch(tasks=rows(6), project=project, aggregation="majority_vote")
        claim(batch, worker)
        kept, refused, _ = (reread(submitted(batch, worker=worker)) for _ in range(3))
        answer.skip(assignment=claim(batch, worker), reason="blurred", now=NOON)
        settle.accept(assignment=kept, actor=requester, now=NOON + HOUR)
        refuse(assignment=refused, actor=requester, now=NOON + HOUR)
        settle.bonus(
            assignment=kept, amount=usd(1), reason="quick", key="k", actor=requester, now=NOON
        )
        made.append(batch)
    aggregate.aggregate_due(now=NOON + HOUR)
    settle.pay_accepted(now=NOON + HOUR)
    progress.count_due(now=NOON + HOUR)
    return made


def canaries(worker):
    user = worker.user
    user.refresh_from_db()
    return [
        user.username, user.email, user.first_name, user.last_name, worker.public_id,
        user.email.partition("@")[0],
    ]  # fmt: skip


def leaves(value):
    """Every key and every value of a JSON document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def everything_a_requester_is_told(requester, worker, batches):
    """The text of every answer, from every route of the requester's side."""
    client = api(requester)
    batch = batches[0]
    name = batch.cursors.get(worker=worker).pseudonym
    meant = {"worker": name, "batch": batch.pk}
    waiting = batch.assignments.filter(status="submitted").get().pk
    told = {
        path: client.get(path)
        for path in [
            "projects", f"projects/{batch.project_id}", "batches", f"batches/{batch.pk}",
            "qualifications", "wallet", "payouts", "wallet/statement?from=2026-01-01&to=2026-01-31",
            f"requesters/{requester.pk}/ratings",
            *(f"batches/{batch.pk}/{what}?format={form}"
              for what in EXPORTS for form in ("json", "ndjson", "csv")),
        ]
    }  # fmt: skip
    kind = qualify.define(requester=requester, name="Good", now=NOON).pk
    for path, body in [
        (f"qualifications/{kind}/grant", {**meant, "value": 5}),
        (f"qualifications/{kind}/revoke", meant),
        ("blocks", meant),
        ("blocks/lift", meant),
        (f"assignments/{waiting}/bonus", {"amount": 1, "reason": "quick"}),
        (f"assignments/{waiting}/accept", None),
        (
            f"assignments/{waiting}/reject",
            {"code": "fraud", "reason": "too late " * 5, "instruction": "i"},
        ),
        (f"batches/{batch.pk}/accept", None),
        (f"batches/{batch.pk}/quote", None),
        (
            f"batches/{batch.pk}/tasks",
            [{"image": "new.png"}],
        ),
        (f"batches/{batch.pk}/pause", None),
        (f"batches/{batch.pk}/resume", None),
        (f"batches/{batch.pk}/close", None),
        (f"batches/{batch.pk}/claim", None),
    ]:
        told[path] = client.post(path, body)
    assert {response.status_code for response in told.values()} == {200, 201, 204, 403, 409}
    return {path: text_of(response) + str(response.headers) for path, response in told.items()}


def test_no_answer_to_a_requester_holds_anything_that_names_a_worker(worker, requester, batches):
    told = everything_a_requester_is_told(requester, worker, batches)

    for path, text in told.items():
        for canary in canaries(worker):
            assert canary.lower() not in text.lower(), path


def test_no_row_of_an_export_has_a_field_for_a_workers_or_a_persons_number(requester, batches):
    client = api(requester)
    forbidden = {"worker_id", "person", "person_id", "user", "user_id", "public_id", "email"}

    for what in EXPORTS:
        for row in rows_of(client.get(f"batches/{batches[0].pk}/{what}")):
            assert not forbidden & {leaf for leaf in leaves(row) if isinstance(leaf, str)}
            assert "worker" not in row or row["worker"] == A_PSEUDONYM


def test_the_same_worker_cannot_be_recognised_in_another_batch(worker, requester, batches):
    client = api(requester)

    names = [
        {row["worker"] for row in rows_of(client.get(f"batches/{batch.pk}/workers"))}
        for batch in batches
    ]

    assert [len(each) for each in names] == [1, 1]
    assert not names[0] & names[1]


def test_a_worker_is_told_a_requesters_username_on_the_task_card_and_nothing_else(requester):
    """Who asks is told before accepting; no name, no address, and not with every task."""
    type(requester).objects.filter(pk=requester.pk).update(
        email="canary@requester.example", first_name="Canaria"
    )
    batch = published_batch(tasks=1, project=a_project(requester=requester))
    client = api(a_user(worker=True))

    told = [
        client.get("work"),
        client.post(f"batches/{batch.pk}/claim"),
        client.get("assignments"),
    ]

    texts = [text_of(response).lower() for response in told]
    assert [requester.username in text for text in texts] == [True, False, False]
    for text in texts:
        assert "canar" not in text
