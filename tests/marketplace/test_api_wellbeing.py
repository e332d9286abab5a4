"""Content that workers agree to, and their rest, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import a_worker, fresh, published_batch
from tests.marketplace.clients import api, problem_of
from workers.content import WARNINGS
from workers.models import Worker

pytestmark = pytest.mark.django_db


def agreed(response):
    return [each["code"] for each in response.json()["warnings"] if each["agreed"]]


def test_a_worker_sees_what_there_is_to_agree_to():
    told = api(a_worker()).get("content").json()["warnings"]

    assert [each["code"] for each in told] == list(WARNINGS)
    assert told[0] == {"code": "violence", "meaning": WARNINGS["violence"], "agreed": False}


def test_a_worker_agrees_sort_by_sort_and_takes_it_back():
    client = api(a_worker())

    assert agreed(client.put("content", {"warnings": ["medical", "gore"]})) == ["gore", "medical"]
    assert agreed(client.get("content")) == ["gore", "medical"]
    assert agreed(client.put("content", {"warnings": []})) == []


def test_an_unknown_warning_is_refused():
    client = api(a_worker())

    assert problem_of(client.put("content", {"warnings": ["x"]})) == (422, "invalid_warning")


def test_a_rested_worker_is_told_the_limits():
    assert api(a_worker()).get("rest").json() == {
        "worked_seconds": 0,
        "advised_from_seconds": 28_800,
        "stopped_from_seconds": 43_200,
        "rest_until": None,
    }


def test_a_worker_who_has_to_rest_claims_nothing_until_then():
    worker, batch = a_worker(), published_batch(tasks=1)
    until = timezone.now() + timedelta(hours=1)
    Worker.objects.filter(pk=worker.pk).update(rest_until=until)
    client = api(worker)

    refusal = client.post(f"batches/{batch.pk}/claim")

    assert problem_of(refusal) == (403, "rest_due")
    assert refusal.json()["until"] == until.isoformat()
    assert client.get("rest").json()["rest_until"] is not None
    Worker.objects.filter(pk=worker.pk).update(rest_until=timezone.now())
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201
    assert fresh(worker).rest_until is not None
