"""Fairwork 2.2: risks to workers are mitigated: what they see, and who learns who they are."""

from __future__ import annotations

import pytest

from marketplace.api.urls import urlpatterns
from tasks import answer
from tasks.compensation import returns
from tasks.models import Return
from tests.factories import (
    CATS_OR_DOGS,
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    floor,
    fresh,
    published_batch,
    usd,
)
from tests.marketplace.clients import api, problem_of, rows_of, text_of
from tests.marketplace.estates import estate
from tests.tasks.compensation.paying import fair, owner
from workers import content, people
from workers.models import User

pytestmark = pytest.mark.django_db
NAMES = ("kestrel", "tinnunculus", "worker.example")


def test_nobody_is_offered_what_they_have_not_agreed_to_see():
    worker, batch = a_worker(), published_batch(tasks=1, content_warnings=["gore"])
    client = api(worker)

    assert client.get("work").json()["results"] == []
    assert problem_of(client.post(f"batches/{batch.pk}/claim")) == (403, "content_not_agreed")
    client.put("content", {"warnings": ["gore"]})

    assert [each["id"] for each in client.get("work").json()["results"]] == [batch.pk]
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201


def test_consent_that_is_taken_back_counts_from_the_next_claim_on():
    worker, batch = a_worker(), published_batch(tasks=2, content_warnings=["gore"])
    content.agree(worker=worker, warnings=["gore"], now=NOON)
    client = api(worker)
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201

    client.put("content", {"warnings": []})

    assert problem_of(client.post(f"batches/{batch.pk}/claim")) == (403, "content_not_agreed")


def test_a_batch_that_two_workers_call_harmful_stops_until_its_requester_has_looked():
    floor()
    batch = fair(tasks=3, reward=usd(100), estimate_seconds=60)
    for _ in range(2):
        held = claim(batch, now=NOON)
        answer.skip(
            assignment=held, reason="Blood.", code=Return.Reason.HARMFUL, now=NOON + HOUR / 60
        )

    returns.settle_due(now=NOON + HOUR)

    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "harmful")
    assert api(a_worker()).get("work").json()["results"] == []
    assert Return.objects.filter(status="paid").count() == 2


def test_a_requester_never_learns_a_workers_name_or_address():
    """Every page of the API that a requester can read, of rows in every state."""
    user = people.register(
        username="kestrel-name", email="kestrel@worker.example", worker=True, now=NOON
    )
    User.objects.filter(pk=user.pk).update(first_name="Kestrela", last_name="Tinnunculus")
    requester = a_requester(usd(1_000))
    ids = estate(requester, user.worker, CATS_OR_DOGS)
    ids |= {"batch_id": ids["open"], "project_id": ids["project"], "requester_id": requester.pk}
    client, read = api(requester), 0
    for route in urlpatterns:
        path = str(route.pattern)
        for name, number in ids.items():
            path = path.replace(f"<id:{name}>", str(number)).replace(f"<id:{name}_id>", str(number))
        answered = client.get(path)
        told = text_of(answered).lower()
        assert not [name for name in NAMES if name in told], path
        read += answered.status_code == 200

    assert read > 20


def test_a_worker_has_another_name_in_every_batch():
    worker, project = a_worker(), a_project(requester=a_requester(usd(1_000)))
    names = set()
    for _ in range(2):
        batch = published_batch(tasks=1, project=project)
        claim(batch, worker)
        (row,) = rows_of(api(owner(batch)).get(f"batches/{batch.pk}/workers"))
        names.add(row["worker"])

    assert len(names) == 2
    assert worker.public_id not in names
