"""Fairwork 5.1: workers have access to representation and freedom of association."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils import timezone

from tests.factories import NOON, a_requester, a_worker, published_batch, submitted
from tests.marketplace.clients import api, problem_of
from tests.marketplace.operators import log_in_operator
from tests.workers.voting import in_office
from workers.models import Ballot, Office, Post, User

pytestmark = pytest.mark.django_db
WORDS = "Let us ask for longer deadlines."


def a_representative():
    worker = a_worker()
    office = in_office(worker, Office.Kind.REPRESENTATIVE)
    Office.objects.filter(pk=office.pk).update(until=timezone.now() + timedelta(days=1))
    return worker


def test_workers_have_a_place_of_their_own():
    first, second = api(a_worker()), api(a_worker())
    thread = first.post("posts", {"text": WORDS}).json()

    assert second.get("posts").json()["results"] == [thread]
    assert second.post(f"posts/{thread['id']}/replies", {"text": "Yes."}).status_code == 201


def test_neither_staff_nor_requesters_read_it():
    thread = api(a_worker()).post("posts", {"text": WORDS}).json()["id"]
    root = User.objects.create_superuser("root")

    for outsider in a_requester(), root:
        client = api(outsider)
        for path in "posts", f"posts/{thread}/replies":
            assert problem_of(client.get(path))[0] == 403


def test_no_page_of_the_operators_shows_it(client):
    log_in_operator(client)
    api(a_worker()).post("posts", {"text": WORDS})

    assert {Post, Ballot}.isdisjoint(admin.site._registry)
    for model in admin.site._registry:
        where = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert WORDS not in client.get(where).content.decode(), where


def test_representatives_get_the_figures_of_all_in_sums_and_nobody_elses():
    batch = published_batch(tasks=10)
    for _ in range(10):
        submitted(batch, worker=a_worker(country="DE"), now=NOON)
    batch.assignments.update(submitted_at=timezone.now() - timedelta(minutes=1))

    (region,) = api(a_representative()).get("offices/figures").json()["regions"]

    assert (region["country"], region["workers"], region["answers"]) == ("DE", 10, 10)
    assert problem_of(api(a_worker()).get("offices/figures")) == (403, "not_in_office")


def test_what_a_worker_says_there_leaves_their_standing_as_it_was():
    worker = a_worker()
    client = api(worker)
    before = client.get("standing").json()

    client.post("posts", {"text": WORDS})
    client.post("proposals", {"kind": "rule", "title": "Longer deadlines", "text": WORDS})

    assert client.get("standing").json() == before
