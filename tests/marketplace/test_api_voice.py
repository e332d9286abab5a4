"""The forum, proposals and offices over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils import timezone

from tests.factories import NOON, a_requester, a_worker
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, Like, api, problem_of
from tests.workers.voting import in_office
from workers import proposals
from workers.models import Ballot, Office, Post, User

pytestmark = pytest.mark.django_db
A_NAME = Like(r"M[0-9A-F]{10}")
A_PROPOSAL = {"kind": "rule", "title": "Shorter forms", "text": "They are long."}


def elected(kind="representative"):
    worker = a_worker()
    office = in_office(worker, Office.Kind(kind))
    Office.objects.filter(pk=office.pk).update(until=timezone.now() + timedelta(days=1))
    return worker


def test_workers_talk_to_each_other():
    first, second = api(a_worker()), api(a_worker())
    made = first.post("posts", {"text": "Who knows batch 7?"})
    assert (made.status_code, made.json()) == (
        201,
        {"id": A_NUMBER, "author": A_NAME, "text": "Who knows batch 7?", "made_at": AN_INSTANT},
    )
    thread = made.json()["id"]

    assert second.post(f"posts/{thread}/replies", {"text": "I do."}).status_code == 201

    (seen,) = second.get("posts").json()["results"]
    assert seen == made.json()
    (reply,) = first.get(f"posts/{thread}/replies").json()["results"]
    assert (reply["text"], reply["author"]) != ("I do.", made.json()["author"])


@pytest.mark.parametrize("outsider", ["requester", "staff", "both"])
def test_whoever_is_not_only_a_worker_gets_403_everywhere(outsider):
    thread = api(a_worker()).post("posts", {"text": "Among us."}).json()["id"]
    worker = a_worker()
    roles = {"staff": {"is_staff": True, "is_superuser": True}, "both": {"is_requester": True}}
    User.objects.filter(pk=worker.user_id).update(**roles.get(outsider, {}))
    client = api(a_requester() if outsider == "requester" else worker)

    answers = [
        client.get("posts"),
        client.post("posts", {"text": "Hello."}),
        client.get(f"posts/{thread}/replies"),
        client.post(f"posts/{thread}/replies", {"text": "Hello."}),
        client.post(f"posts/{thread}/remove"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert not any(b"Among us" in answer.content for answer in answers)


def test_no_page_of_the_admin_shows_posts_or_ballots():
    assert Post not in admin.site._registry
    assert Ballot not in admin.site._registry


def test_authors_and_representatives_remove_posts():
    author = api(a_worker())
    first = author.post("posts", {"text": "One."}).json()["id"]
    second = author.post("posts", {"text": "Two."}).json()["id"]

    assert problem_of(api(a_worker()).post(f"posts/{first}/remove")) == (403, "not_yours")
    assert author.post(f"posts/{first}/remove").status_code == 204
    assert api(elected()).post(f"posts/{second}/remove").status_code == 204
    assert author.get("posts").json()["results"] == []


def test_a_vote_from_the_proposal_to_its_published_outcome():
    everybody, voters = api(None), [a_worker() for _ in range(5)]
    made = api(a_worker()).post("proposals", A_PROPOSAL)
    assert made.status_code == 201
    where = made.json()["id"]

    for number, voter in enumerate(voters):
        cast = api(voter).post(f"proposals/{where}/vote", {"yes": number < 4})
        assert cast.status_code == 201
    again = api(voters[0]).post(f"proposals/{where}/vote", {"yes": False})
    assert problem_of(again) == (409, "ballot_cast")
    assert everybody.get(f"public/proposals/{where}").json()["yes"] is None  # until the count
    proposals.close_due(now=timezone.now() + timedelta(days=15))

    assert everybody.get(f"public/proposals/{where}").json() == {
        "id": where,
        **A_PROPOSAL,
        "candidate": None,
        "opened_at": AN_INSTANT,
        "closes_at": AN_INSTANT,
        "yes": 4,
        "no": 1,
        "outcome": "carried",
        "counted_at": AN_INSTANT,
    }
    assert len(everybody.get("public/proposals").json()["results"]) == 1


def test_a_candidate_is_named_as_workers_know_them():
    candidate = a_worker()
    body = {"kind": "representative", "title": "Me", "text": "I listen."}

    made = api(candidate).post("proposals", body).json()

    assert made["candidate"] == A_NAME
    assert candidate.public_id not in str(made)


def test_who_holds_an_office_can_be_read_by_everybody():
    elected("reviewer")

    (office,) = api(None).get("public/offices").json()["results"]

    assert office == {
        "kind": "reviewer",
        "holder": A_NAME,
        "proposal": A_NUMBER,
        "since": AN_INSTANT,
        "until": AN_INSTANT,
    }


def test_representatives_see_sums_and_others_do_not():
    told = api(elected()).get("offices/figures").json()

    assert told == {"days": 90, "least_workers": 10, "regions": []}
    for worker in a_worker(), elected("reviewer"):
        assert problem_of(api(worker).get("offices/figures")) == (403, "not_in_office")


def test_an_office_that_is_over_shows_nothing():
    worker = elected()
    Office.objects.filter(worker=worker).update(until=NOON + timedelta(days=1))

    assert api(worker).get("offices/figures").status_code == 403
