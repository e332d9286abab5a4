"""A requester's decisions on answers over the REST API: accept, reward; rejecting is elsewhere."""

from __future__ import annotations

import json

import pytest

from payments import accounts
from payments.models import Transfer
from tasks.models import Assignment
from tests.factories import (
    WHY,
    a_project,
    a_requester,
    a_user,
    claim,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import AN_INSTANT, api, problem_of

pytestmark = pytest.mark.django_db
REFUSAL = {"code": "fraud", "reason": WHY, "instruction": "Name the animal."}


@pytest.fixture
def requester():
    return a_requester(usd(1000))


@pytest.fixture
def batch(requester):
    return published_batch(tasks=4, overlap=1, project=a_project(requester=requester))


def statuses(batch):
    found = Assignment.objects.filter(batch=batch).order_by("pk")
    return list(found.values_list("status", flat=True))


def test_an_accepted_answer_is_paid_by_the_next_settlement(requester, batch):
    assignment = submitted(batch)

    decided = api(requester).post(f"assignments/{assignment.pk}/accept")

    assert decided.status_code == 200
    assert decided.json() == {
        "id": assignment.pk,
        "status": "accepted",
        "submitted_at": "2026-01-01T12:01:00Z",
        "finished_at": AN_INSTANT,
        "reason": "",
    }
    assert Assignment.objects.get().decided_by == requester


@pytest.mark.parametrize("second", ["accept", "reject"])
@pytest.mark.parametrize("first", ["accept", "reject"])
def test_a_decision_is_final(requester, batch, first, second):
    assignment = submitted(batch)
    client = api(requester)
    client.post(f"assignments/{assignment.pk}/{first}", REFUSAL)
    decided = statuses(batch)

    refused = client.post(f"assignments/{assignment.pk}/{second}", REFUSAL)

    assert problem_of(refused) == (409, "illegal_transition")
    assert statuses(batch) == decided


def test_only_an_answer_can_be_decided_on(requester, batch):
    assignment = claim(batch)

    refused = api(requester).post(f"assignments/{assignment.pk}/accept")

    assert problem_of(refused) == (409, "illegal_transition")
    assert statuses(batch) == ["active"]


@pytest.mark.parametrize("route", ["accept", "reject", "bonus"])
def test_an_answer_in_somebody_elses_batch_does_not_exist(requester, route):
    theirs = submitted(published_batch(tasks=1))
    body = {**REFUSAL, "amount": 1}
    client = api(requester)

    foreign = client.post(f"assignments/{theirs.pk}/{route}", body)

    assert problem_of(foreign) == (404, "not_found")
    assert foreign.content == client.post(f"assignments/{2**62}/{route}", body).content
    assert statuses(theirs.batch) == ["submitted"]


def test_a_worker_who_is_a_requester_too_cannot_accept_their_own_answer():
    both = a_user(requester=True, worker=True)
    mine = submitted(published_batch(tasks=1), worker=both.worker)

    assert problem_of(api(both).post(f"assignments/{mine.pk}/accept")) == (404, "not_found")


# Many at once


@pytest.mark.parametrize("body", [None, {}])
def test_all_answers_that_wait_are_accepted_at_once(requester, batch, body):
    for _ in range(3):
        submitted(batch)
    claim(batch)

    accepted = api(requester).post(f"batches/{batch.pk}/accept", body)

    assert (accepted.status_code, accepted.json()) == (200, {"accepted": 3})
    assert statuses(batch) == ["accepted", "accepted", "accepted", "active"]


def test_only_the_answers_that_are_named_are_accepted(requester, batch):
    first, _, third = (submitted(batch) for _ in range(3))

    accepted = api(requester).post(
        f"batches/{batch.pk}/accept", {"assignments": [first.pk, third.pk]}
    )

    assert accepted.json() == {"accepted": 2}
    assert statuses(batch) == ["accepted", "submitted", "accepted"]


def test_an_empty_list_of_names_accepts_nothing(requester, batch):
    submitted(batch)

    assert api(requester).post(f"batches/{batch.pk}/accept", {"assignments": []}).json() == {
        "accepted": 0
    }
    assert statuses(batch) == ["submitted"]


@pytest.mark.parametrize(
    "body",
    [[], 0, False, "", None, {"assignments": None}, {"assignments": 5}, {"assignments": ["1"]},
     {"assignments": [True]}, {"assignments": [2**63]}, {"assignments": [1] * 10_001}],
)  # fmt: skip
def test_an_odd_body_accepts_nothing(requester, batch, body):
    submitted(batch)

    refused = api(requester).post(f"batches/{batch.pk}/accept", json.dumps(body).encode())

    assert problem_of(refused) == (400, "invalid_request")
    assert statuses(batch) == ["submitted"]


def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(requester, batch):
    submitted(batch)

    refused = api(requester).send(
        "POST", f"batches/{batch.pk}/accept", b"", transfer_encoding="chunked"
    )

    assert problem_of(refused) == (411, "length_required")
    assert statuses(batch) == ["submitted"]


def test_a_named_answer_of_another_batch_refuses_the_whole_request(requester, batch):
    theirs = submitted(published_batch(tasks=1))
    own_elsewhere = submitted(published_batch(tasks=1, project=batch.project))

    accepted = api(requester).post(
        f"batches/{batch.pk}/accept", {"assignments": [theirs.pk, own_elsewhere.pk]}
    )

    assert problem_of(accepted) == (404, "not_found")
    assert statuses(theirs.batch) == ["submitted"]


# Bonuses


def bonuses(assignment):
    return accounts.earnings_of(assignment.worker.user_id, "USD").balance


def test_a_bonus_goes_from_the_wallet_to_the_worker(requester, batch):
    assignment = submitted(batch)

    paid = api(requester).post(
        f"assignments/{assignment.pk}/bonus", {"amount": 25, "reason": "Thorough."}
    )

    assert (paid.status_code, paid.json()) == (200, {"amount": 25, "currency": "USD"})
    assert bonuses(assignment) == usd(25)


def test_two_bonuses_without_a_token_are_two(requester, batch):
    assignment = submitted(batch)
    client = api(requester)

    for _ in range(2):
        client.post(f"assignments/{assignment.pk}/bonus", {"amount": 5, "reason": "Thorough."})

    assert bonuses(assignment) == usd(10)


def test_two_bonuses_with_one_token_are_one(requester, batch):
    assignment = submitted(batch)
    client = api(requester)
    said = {"amount": 5, "reason": "Thorough.", "token": "t"}
    path = f"assignments/{assignment.pk}/bonus"

    once, again = client.post(path, said), client.post(path, said)
    other = client.post(path, {**said, "amount": 6})

    assert (once.json(), again.json()) == ({"amount": 5, "currency": "USD"},) * 2
    assert problem_of(other) == (422, "key_reused")
    assert bonuses(assignment) == usd(5)


def test_tokens_that_differ_in_a_space_are_two(requester, batch):
    assignment = submitted(batch)
    client = api(requester)

    for token in "t", " t":
        said = {"amount": 5, "reason": "Thorough.", "token": token}
        client.post(f"assignments/{assignment.pk}/bonus", said)

    assert bonuses(assignment) == usd(10)


def test_a_bonus_beyond_the_wallet_says_how_much_is_missing(requester, batch):
    assignment = submitted(batch)
    wallet = accounts.wallet_of(requester.pk, "USD").balance

    refused = api(requester).post(
        f"assignments/{assignment.pk}/bonus", {"amount": wallet.minor + 7, "reason": "Thorough."}
    )

    assert problem_of(refused) == (402, "insufficient_funds")
    assert (refused.json()["missing"], refused.json()["currency"]) == (7, "USD")
    assert not Transfer.objects.filter(kind="bonus").exists()


@pytest.mark.parametrize(
    "change",
    [{"amount": 0}, {"amount": -1}, {"amount": "5"}, {"amount": 10**12}, {"amount": 1.5},
     {"amount": None}, {"reason": ""}, {"reason": "  "}, {"token": 5}, {"token": "x" * 65}],
)  # fmt: skip
def test_a_bonus_that_is_refused_moves_nothing(requester, batch, change):
    assignment = submitted(batch)
    said = {"amount": 5, "reason": "Thorough.", **change}

    refused = api(requester).post(f"assignments/{assignment.pk}/bonus", said)

    assert problem_of(refused) == (400, "invalid_request")
    assert not Transfer.objects.filter(kind="bonus").exists()


def test_nobody_earns_a_bonus_before_they_have_answered(requester, batch):
    assignment = claim(batch)

    refused = api(requester).post(
        f"assignments/{assignment.pk}/bonus", {"amount": 5, "reason": "Early."}
    )

    assert problem_of(refused) == (409, "illegal_transition")
    assert not Transfer.objects.filter(kind="bonus").exists()
