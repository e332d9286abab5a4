"""Fairwork 3.2: contracts are consistent with the workers' terms of engagement on the platform."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from tests.factories import NOON, a_worker, fresh, published_batch, rejected, submitted
from tests.marketplace.clients import api, rows_of, text_of
from tests.tasks.compensation.paying import owner
from workers import terms
from workers.errors import NoticeTooShort

pytestmark = pytest.mark.django_db


def test_an_answer_that_was_not_paid_is_not_the_requesters_to_take():
    batch = published_batch(tasks=2, aggregation="majority_vote")
    kept, refused = fresh(submitted(batch, "cat")), rejected(batch, "dog")
    client = api(owner(batch))

    told = {
        row["assignment"]: row["answer"]
        for form in ("json", "ndjson")
        for row in rows_of(client.get(f"batches/{batch.pk}/answers?format={form}"))
    }

    assert told == {kept.pk: {"label": "cat"}, refused.pk: None}
    assert "dog" not in text_of(client.get(f"batches/{batch.pk}/answers?format=csv"))
    assert "dog" not in text_of(client.get(f"batches/{batch.pk}/results?format=csv"))


def test_its_worker_keeps_it_and_can_take_it_along():
    refused = rejected(published_batch(tasks=1), "dog")

    told = json.loads(text_of(api(refused.worker).get("me/export")))

    assert [each["answer"] for each in told["assignments"]] == [{"label": "dog"}]


def test_a_worker_sees_whom_they_would_work_for():
    batch = published_batch(tasks=1)

    card = api(a_worker()).get(f"batches/{batch.pk}/offer").json()

    assert card["requester"]["id"] == owner(batch).pk
    assert card["requester"]["name"] == owner(batch).username


@pytest.mark.parametrize(
    "clause",
    [
        "There is no exclusivity",
        "There is no ban on competing",
        "rights in work that is not paid in full stay with the worker",
        "at least 30 days before",
    ],
)
def test_the_terms_bind_nobody_beyond_the_work(clause):
    text = terms.load_shipped(timezone.now()).text

    assert clause in " ".join(text.split())


def test_terms_change_with_thirty_days_of_notice():
    terms.load_shipped(NOON)

    with pytest.raises(NoticeTooShort):
        terms.publish(
            text="t", summary="s", effective_at=NOON + 0.99 * terms.NOTICE, published_by=None,
            now=NOON,
        )  # fmt: skip


def test_what_a_worker_claimed_keeps_its_price():
    batch = published_batch(tasks=1)
    held = submitted(batch)
    type(batch).objects.filter(pk=batch.pk).update(reward_minor=1)

    assert fresh(held).reward_minor == 5
