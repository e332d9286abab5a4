"""Rejections, appeals, juries and decisions over the REST API, seen from each side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import accounts
from tasks.hearings import appeals
from tasks.models import Assignment, Rejection
from tests.factories import (
    WHY,
    a_project,
    a_requester,
    a_worker,
    fresh,
    published_batch,
    refuse,
    slots,
    submitted,
    usd,
)
from tests.marketplace.clients import AN_INSTANT, api, problem_of
from tests.tasks.hearings.hearing import WORDS, admin, juror
from workers import standing
from workers.models import Decision, Office

pytestmark = pytest.mark.django_db
REFUSAL = {"code": "wrong_or_empty", "reason": WHY, "instruction": "Say which animal you see."}


@pytest.fixture
def requester():
    return a_requester(usd(1000))


@pytest.fixture
def worker():
    return a_worker()


@pytest.fixture
def batch(requester):
    return published_batch(tasks=7, project=a_project(requester=requester))


@pytest.fixture
def rejection(batch, worker, requester):
    waiting = fresh(submitted(batch, worker=worker))
    return refuse(assignment=waiting, actor=requester, now=timezone.now())


def test_a_rejected_answer_keeps_its_reasons_and_is_asked_of_somebody_else(requester, batch):
    assignment = submitted(batch)

    decided = api(requester).post(f"assignments/{assignment.pk}/reject", REFUSAL)

    assert decided.status_code == 200
    assert decided.json() == {
        "id": assignment.pk,
        "status": "rejected",
        "submitted_at": "2026-01-01T12:01:00Z",
        "finished_at": AN_INSTANT,
        "reason": WHY,
        "rejection": "open",
        "appeal_until": AN_INSTANT,
    }
    assert slots(batch) == [1] * 7


@pytest.mark.parametrize(
    "change",
    [
        {"code": None},
        {"code": "ugly"},
        {"reason": "too short"},
        {"reason": f"{'x' * 39} "},
        {"reason": 5},
        {"reason": "x" * 5001},
        {"instruction": " "},
    ],
    ids=str,
)
def test_a_rejection_that_does_not_say_what_was_wrong_is_refused(requester, batch, change):
    assignment = submitted(batch)
    body = {name: value for name, value in {**REFUSAL, **change}.items() if value is not None}

    refused = api(requester).post(f"assignments/{assignment.pk}/reject", body)

    assert problem_of(refused) in {(400, "invalid_request"), (422, "invalid_rejection")}
    assert fresh(assignment).status == "submitted"


def test_up_to_five_are_rejected_in_one_call_each_for_its_own_reasons(requester, batch):
    waiting = [submitted(batch).pk for _ in range(6)]
    client, path = api(requester), f"batches/{batch.pk}/reject"
    said = [{"assignment": pk, **REFUSAL} for pk in waiting]

    assert problem_of(client.post(path, {"rejections": said})) == (400, "invalid_request")
    assert problem_of(client.post(path, {"rejections": []})) == (400, "invalid_request")
    decided = client.post(path, {"rejections": said[:5]})
    sixth = client.post(f"assignments/{waiting[5]}/reject", REFUSAL)

    assert [each["status"] for each in decided.json()["rejections"]] == ["rejected"] * 5
    assert (sixth.json()["status"], sixth.json()["rejection"]) == ("submitted", "waiting")
    theirs = submitted(published_batch(tasks=1)).pk
    foreign = client.post(path, {"rejections": [{"assignment": theirs, **REFUSAL}]})
    assert problem_of(foreign) == (404, "not_found")


def test_the_requester_sees_what_became_of_each_under_the_workers_pseudonym(
    requester, batch, worker, rejection
):
    appeals.appeal(rejection=rejection, message="My private words.", now=timezone.now())

    [row] = api(requester).get(f"batches/{batch.pk}/rejections").json()["results"]

    assert row["worker"] == batch.cursors.get(worker=worker).pseudonym
    assert (row["assignment"], row["status"], row["reopened"]) == (rejection.pk, "appealed", True)
    assert (row["appeal"]["status"], row["appeal"]["answer"]) == ("open", "")
    assert "private" not in str(row)


def test_a_worker_sees_why_and_appeals_in_one_call(worker, rejection):
    client = api(worker)

    [row] = client.get("rejections").json()["results"]
    made = client.post(f"rejections/{rejection.pk}/appeal")
    again = client.post(f"rejections/{rejection.pk}/appeal")

    assert (row["reason"], row["instruction"]) == (WHY, "Say which animal you see.")
    assert (row["status"], row["reward"], row["effort"], row["appeal"]) == ("open", 5, 0, None)
    assert (made.status_code, made.json()["status"], made.json()["message"]) == (201, "open", "")
    assert problem_of(again) == (409, "illegal_transition")
    assert client.get("appeals").json()["results"] == [made.json()]
    assert client.get("rejections").json()["results"][0]["appeal"] == made.json()


def test_what_waits_for_a_human_is_not_told_to_the_worker(worker, rejection):
    Rejection.objects.filter(pk=rejection.pk).update(status="waiting", appeal_until=None)

    assert api(worker).get("rejections").json()["results"] == []
    refused = api(worker).post(f"rejections/{rejection.pk}/appeal")
    assert problem_of(refused) == (404, "not_found")


def seated():
    worker = juror()
    Office.objects.update(until=timezone.now() + timedelta(days=1))
    return worker


def test_two_jurors_decide_over_the_api_and_both_sides_read_why(
    requester, batch, worker, rejection
):
    api(worker).post(f"rejections/{rejection.pk}/appeal", {"message": "Folded ears."})
    for _ in range(2):
        client = api(seated())
        [case] = client.get("juries").json()["cases"]
        seat = client.post(f"juries/{case['id']}/join")
        assert (seat.status_code, seat.json()["vote"]) == (201, "")
        assert [each["id"] for each in client.get("juries").json()["seats"]] == [case["id"]]
        vote = {"vote": "overturn", "reason": WORDS}
        assert client.post(f"juries/{case['id']}/vote", vote).json()["vote"] == "overturn"

    [told] = api(worker).get("appeals").json()["results"]
    [row] = api(requester).get(f"batches/{batch.pk}/rejections").json()["results"]

    assert (told["status"], told["outcome"]) == ("decided", "overturned")
    assert WORDS in told["answer"]
    assert row["appeal"]["answer"] == told["answer"]
    assert Assignment.objects.get(pk=rejection.pk).status == "accepted"


def test_a_case_names_nobody(requester, batch, worker, rejection):
    api(worker).post(f"rejections/{rejection.pk}/appeal")

    seen = api(seated()).get("juries")

    assert sorted(seen.json()["cases"][0]) == [
        "answer", "code", "currency", "id", "input", "instruction", "instructions", "interface",
        "jury_until", "message", "pay", "reason",
    ]  # fmt: skip
    for name in (worker.public_id, worker.user.username, requester.username):
        assert name not in seen.content.decode()


def test_who_is_no_juror_sees_no_case_and_is_told_why_they_cannot_join(worker, rejection):
    api(worker).post(f"rejections/{rejection.pk}/appeal")
    client = api(a_worker())

    assert client.get("juries").json() == {"seats": [], "cases": []}
    assert problem_of(client.post(f"juries/{rejection.pk}/join")) == (403, "not_a_juror")


def test_everybody_reads_the_decisions_about_them_and_a_suspended_worker_appeals(worker):
    standing.suspend(worker=worker, reason="Copied.", now=timezone.now(), actor=admin())
    client = api(worker)

    [row] = client.get("decisions").json()["results"]
    made = client.post(f"decisions/{row['id']}/appeal", {"message": "It was not me."})

    assert (row["kind"], row["reasons"], row["answer_due_at"]) == ("suspend", "Copied.", None)
    assert (made.status_code, made.json()["answered_at"]) == (201, None)
    assert client.get("decisions").json()["results"][0]["answer_due_at"] == made.json()["due_at"]
    again = client.post(f"decisions/{row['id']}/appeal", {"message": "Really."})
    assert problem_of(again) == (409, "appeal_refused")
    assert api(a_worker()).get("decisions").json()["results"] == []


def test_an_admin_sees_what_waits_with_deadlines_due_first(worker, rejection):
    operator = admin()
    now = timezone.now()
    appeals.appeal(rejection=rejection, message="", wants_human=True, now=now)
    standing.suspend(worker=worker, reason="Copied.", now=now, actor=operator)
    decision = Decision.objects.latest("pk")
    api(worker).post(f"decisions/{decision.pk}/appeal", {"message": "No."})

    waiting = api(operator).get("decisions/waiting").json()

    assert [(each["kind"], each["id"]) for each in waiting] == [
        ("appeal", rejection.pk),
        ("decision_appeal", decision.pk),
    ]
    assert problem_of(api(worker).get("decisions/waiting"))[0] == 403


def test_a_late_appeal_is_refused(worker, rejection):
    Rejection.objects.filter(pk=rejection.pk).update(appeal_until=timezone.now())

    refused = api(worker).post(f"rejections/{rejection.pk}/appeal")

    assert problem_of(refused) == (409, "illegal_transition")
    assert accounts.earnings_of(worker.user_id, "USD").balance == usd(0)
