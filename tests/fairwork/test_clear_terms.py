"""Fairwork 3.1: clear terms and conditions are available."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.api import consent
from tests.factories import a_worker, drafted_batch, published_batch
from tests.marketplace.clients import api, problem_of
from workers import terms
from workers.models import Consent

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=100)


@pytest.fixture
def newer():
    """The shipped terms, and newer ones that are in force by now."""
    terms.load_shipped(LONG_AGO)
    made = terms.publish(
        text="# Newer terms\n",
        summary="Shorter.",
        effective_at=LONG_AGO + terms.NOTICE,
        published_by=None,
        now=LONG_AGO,
    )
    consent.forget()
    return made


def test_the_terms_ship_in_plain_language_and_are_read_without_an_account():
    first = terms.load_shipped(timezone.now())

    told = api(None).get("public/terms/1").json()["terms"]["text"]

    assert told == first.text
    sentences = [each for each in told.replace("\n", " ").split(". ") if each]
    assert sum(len(each.split()) for each in sentences) / len(sentences) < 25  # words


def test_newer_terms_need_the_consent_of_those_who_work_or_publish(newer):
    worker, open_batch, draft = a_worker(), published_batch(tasks=1), drafted_batch(tasks=1)
    working, publishing = api(worker), api(draft.project.requester)

    claimed = working.post(f"batches/{open_batch.pk}/claim")
    published = publishing.post(f"batches/{draft.pk}/publish")

    assert problem_of(claimed) == problem_of(published) == (409, "consent_missing")
    working.post("terms/2/consent")
    assert working.post(f"batches/{open_batch.pk}/claim").status_code == 201
    assert Consent.objects.get(user=worker.user, terms=newer).given_at


def test_older_terms_and_what_changed_since_stay_readable(newer):
    everybody = api(None)

    assert everybody.get("public/terms/1").status_code == 200
    compared = everybody.get("public/terms/2").json()
    assert (compared["since"], compared["terms"]["summary"]) == (1, "Shorter.")
    assert "+# Newer terms" in compared["difference"]


def test_what_is_already_held_needs_no_new_consent():
    worker, batch = a_worker(), published_batch(tasks=1)
    client = api(worker)
    held = client.post(f"batches/{batch.pk}/claim").json()["id"]
    terms.load_shipped(timezone.now())
    consent.forget()

    assert client.post(f"assignments/{held}/submit", {"answer": "cat"}).status_code == 200
    assert client.get("me/export").status_code == 200
