"""Whom a requester works with, over the REST API: qualifications and blocks."""

from __future__ import annotations

import pytest

from tests.factories import NOON, a_requester, a_worker, claim, published_batch, submitted
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, api, problem_of
from workers import qualify
from workers.models import Block, Qualification, QualificationType

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester():
    return a_requester()


@pytest.fixture
def french(requester):
    return qualify.define(requester=requester, name="Reads French", now=NOON)


def pseudonym_of(worker, batch):
    return batch.cursors.get(worker=worker).pseudonym


def test_a_requester_defines_a_qualification(requester):
    said = {"name": "Reads French", "description": " B2 or better\n", "keywords": "french,reading"}
    client = api(requester)

    made = client.post("qualifications", said)

    assert made.status_code == 201
    assert made.json() == {
        "id": A_NUMBER,
        **said,
        "status": "active",
        "created_at": AN_INSTANT,
    }
    assert client.get("qualifications").json()["results"] == [made.json()]


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"name": ""}, 400, "invalid_request"),
        ({"name": "  "}, 400, "invalid_request"),
        ({"name": "x" * 201}, 400, "invalid_request"),
        ({"name": 5}, 400, "invalid_request"),
        ({"name": "French", "description": "x" * 2001}, 400, "invalid_request"),
        ({"name": "French", "keywords": ["a"]}, 400, "invalid_request"),
        ({"name": "Fr\u202eench"}, 422, "invalid_name"),
    ],
)
def test_a_qualification_that_is_refused_is_not_stored(requester, said, status, code):
    assert problem_of(api(requester).post("qualifications", said)) == (status, code)
    assert not QualificationType.objects.exists()


def test_a_requester_has_one_qualification_of_a_name(requester, french):
    refused = api(requester).post("qualifications", {"name": "Reads French"})

    assert problem_of(refused) == (409, "qualification_name_taken")
    assert api(a_requester()).post("qualifications", {"name": "Reads French"}).status_code == 201


def test_a_list_of_qualifications_holds_the_callers_own(requester, french):
    assert api(a_requester()).get("qualifications").json()["results"] == []
    assert problem_of(api(a_worker()).get("qualifications")) == (403, "permission_denied")


def test_a_worker_is_granted_a_qualification_by_workerid_or_by_pseudonym(requester, french):
    batch = published_batch(tasks=1)
    first, second = a_worker(), a_worker()
    batch.project.requester = requester
    batch.project.save()
    claim(batch, second)
    client = api(requester)

    granted = client.post(
        f"qualifications/{french.pk}/grant", {"worker": first.public_id, "value": 90}
    )
    by_pseudonym = client.post(
        f"qualifications/{french.pk}/grant",
        {"worker": pseudonym_of(second, batch), "batch": batch.pk},
    )

    assert granted.status_code == 200
    assert granted.json() == {
        "type": french.pk,
        "value": 90,
        "status": "granted",
        "granted_at": AN_INSTANT,
        "revoked_at": None,
        "reason": "",
    }
    assert by_pseudonym.json()["value"] == 1
    assert dict(Qualification.objects.values_list("worker", "value")) == {
        first.pk: 90,
        second.pk: 1,
    }


def test_a_qualification_is_revoked_with_a_reason(requester, french):
    worker = a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=requester)

    revoked = api(requester).post(
        f"qualifications/{french.pk}/revoke", {"worker": worker.public_id, "reason": "Expired."}
    )

    assert revoked.status_code == 200
    assert revoked.json() == {
        "type": french.pk,
        "value": 1,
        "status": "revoked",
        "granted_at": "2026-01-01T12:00:00Z",
        "revoked_at": AN_INSTANT,
        "reason": "Expired.",
    }


def test_a_qualification_a_worker_never_had_cannot_be_revoked(requester, french):
    refused = api(requester).post(
        f"qualifications/{french.pk}/revoke", {"worker": a_worker().public_id}
    )

    assert problem_of(refused) == (409, "not_granted")


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_somebody_elses_qualification_does_not_exist(verb):
    theirs = qualify.define(requester=a_requester(), name="Theirs", now=NOON)
    said = {"worker": a_worker().public_id}
    client = api(a_requester())

    foreign = client.post(f"qualifications/{theirs.pk}/{verb}", said)

    assert problem_of(foreign) == (404, "not_found")
    assert foreign.content == client.post(f"qualifications/{2**62}/{verb}", said).content
    assert not Qualification.objects.exists()


@pytest.mark.parametrize(
    "value", [-(2**31) - 1, 2**31, "1", 1.0, True, None, 1.5, [1], 10**300], ids=str
)
def test_a_qualification_has_a_whole_number_of_32_bits(requester, french, value):
    refused = api(requester).post(
        f"qualifications/{french.pk}/grant", {"worker": a_worker().public_id, "value": value}
    )

    assert problem_of(refused) == (400, "invalid_request")
    assert not Qualification.objects.exists()


@pytest.mark.parametrize("route", ["qualifications/{}/grant", "blocks", "blocks/lift"])
def test_a_worker_is_named_by_something_the_requester_may_know(requester, french, route):
    foreign, mine = published_batch(tasks=1), a_worker()
    claim(foreign, mine)
    client, path = api(requester), route.format(french.pk)
    theirs = {"worker": pseudonym_of(mine, foreign), "batch": foreign.pk}

    assert problem_of(client.post(path, {"worker": "A" + "0" * 13})) == (404, "not_found")
    assert problem_of(client.post(path, {"worker": mine.user.username})) == (404, "not_found")
    assert problem_of(client.post(path, {"worker": pseudonym_of(mine, foreign)})) == (
        404,
        "not_found",
    )
    assert problem_of(client.post(path, theirs)) == (404, "not_found")
    assert problem_of(client.post(path, {**theirs, "batch": 2**62})) == (404, "not_found")
    assert problem_of(client.post(path, {"worker": mine.public_id, "batch": foreign.pk})) == (
        400,
        "invalid_request",
    )
    assert problem_of(client.post(path, {"worker": "W" * 21})) == (400, "invalid_request")
    assert problem_of(client.post(path, {})) == (400, "invalid_request")
    assert not Block.objects.exists()
    assert not Qualification.objects.exists()


def test_a_blocked_worker_claims_nothing_more_until_the_block_is_lifted():
    batch = published_batch(tasks=3)
    worker = a_worker()
    submitted(batch, worker=worker)
    client = api(batch.project.requester)
    said = {"worker": pseudonym_of(worker, batch), "batch": batch.pk, "reason": "Guesses."}

    blocked = client.post("blocks", said)
    refused = api(worker).post(f"batches/{batch.pk}/claim")
    lifted = client.post("blocks/lift", said)

    assert (blocked.status_code, blocked.content) == (204, b"")
    assert problem_of(refused) == (403, "blocked")
    assert (lifted.status_code, lifted.content) == (204, b"")
    assert api(worker).post(f"batches/{batch.pk}/claim").status_code == 201


def test_lifting_a_block_that_is_not_there_changes_nothing(requester):
    lifted = api(requester).post("blocks/lift", {"worker": a_worker().public_id})

    assert lifted.status_code == 204
    assert not Block.objects.exists()


def test_only_requesters_grant_and_block(french):
    worker = a_worker()
    client, said = api(worker), {"worker": worker.public_id}

    for path in f"qualifications/{french.pk}/grant", "blocks", "blocks/lift", "qualifications":
        assert problem_of(client.post(path, said)) == (403, "permission_denied")
    assert not Qualification.objects.exists()
