"""Fairwork 4.1: decisions that affect workers follow due process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from tasks.disclosure import records
from tasks.models import RequesterRecord
from tests.factories import NOON, a_worker, fresh
from tests.marketplace.clients import api, problem_of
from tests.tasks.compensation.paying import nothing_is_broken
from tests.tasks.hearings.hearing import (
    AFTER,
    DAY,
    LATER,
    admin,
    answered,
    appealed,
    earned,
    floored_batch,
    owner,
    pay_all,
    votes,
)
from workers import decisions, standing
from workers.errors import HumanDecisionMissing
from workers.models import Decision, Worker

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
WHY = "The picture shows the other animal, as its ears tell."


@pytest.mark.parametrize("kind", Decision.AGAINST)
def test_the_database_refuses_a_decision_against_somebody_that_no_human_made(kind):
    worker = a_worker()
    about = {"subject_kind": "worker", "subject_id": worker.pk, "concerns": worker.user}
    when = {"made_at": NOON, "effective_at": NOON}

    with pytest.raises(IntegrityError, match="by_a_human"), transaction.atomic():
        Decision.objects.create(kind=kind, reasons="A rule said so.", **about, **when)
    with pytest.raises(IntegrityError, match="with_reasons"), transaction.atomic():
        Decision.objects.create(kind=kind, reasons=" ", made_by=admin(), **about, **when)


def test_nobody_is_suspended_or_closed_without_a_named_human_and_reasons():
    worker = a_worker()

    for verb in standing.suspend, standing.close:
        with pytest.raises(HumanDecisionMissing):
            verb(worker=worker, reason="Spam.", now=NOON, actor=None)
        with pytest.raises(HumanDecisionMissing):
            verb(worker=worker, reason=" ", now=NOON, actor=admin())

    assert fresh(worker).status == "active"


def test_no_other_code_writes_a_workers_status():
    """Only the verbs above, and the answer to an appeal against them."""
    changing = re.compile(r"update\(status=|Worker\.Status\.SUSPENDED")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "workers").rglob("*.py")
        if changing.search(path.read_text())
    }
    elsewhere = [
        path
        for app in ("marketplace", "tasks", "payments")
        for path in (ROOT / app).rglob("*.py")
        if "Worker.Status.SUSPENDED" in path.read_text()
    ]

    assert found == {"workers/standing.py", "workers/decisions.py"}
    assert elsewhere == []


def test_a_refusal_without_a_code_reasons_and_what_failed_is_none():
    batch = floored_batch()
    waiting = answered(batch)
    client, whole = api(owner(batch)), {"code": "wrong_or_empty", "reason": WHY}
    where = f"assignments/{waiting.pk}/reject"

    for body in {}, {"reason": "No."}, whole, {**whole, "code": "bad", "instruction": "i"}:
        assert client.post(where, body).status_code == 400

    assert client.post(where, {**whole, "instruction": "Say what you see."}).status_code == 200


def test_the_worker_reads_the_reasons_and_appeals_in_one_call():
    batch = floored_batch()
    waiting = answered(batch)
    body = {"code": "wrong_or_empty", "reason": WHY, "instruction": "Say which animal it is."}
    api(owner(batch)).post(f"assignments/{waiting.pk}/reject", body)
    client = api(waiting.worker)

    (told,) = client.get("rejections").json()["results"]
    made = client.post(f"rejections/{waiting.pk}/appeal")

    assert (told["code"], told["reason"], told["instruction"]) == tuple(body.values())
    assert made.status_code == 201
    (decision,) = client.get("decisions").json()["results"]
    assert (decision["kind"], decision["reasons"]) == ("refuse_pay", WHY)
    assert "made_by" not in decision or decision["made_by"] is not None


def test_an_appeal_is_owed_an_answer_within_seven_days_and_waits_for_a_human_before():
    appeal = appealed(floored_batch())

    assert appeal.due_at - appeal.made_at <= 7 * DAY
    assert appeal.jury_until < appeal.due_at


def test_a_suspension_is_looked_at_by_somebody_else_within_fourteen_days():
    worker, first, second = a_worker(), admin(), admin()
    standing.suspend(worker=worker, reason="Copies.", now=NOON, actor=first)
    client = api(worker)
    (told,) = client.get("decisions").json()["results"]

    asked = client.post(f"decisions/{told['id']}/appeal", {"message": "They are mine."})

    assert asked.status_code == 201
    appeal = Decision.objects.get(pk=told["id"]).appeal
    assert appeal.due_at - appeal.made_at <= 14 * DAY
    decisions.answer(appeal=appeal, reverse=True, reasons="They are.", actor=second, now=NOON + DAY)
    assert fresh(worker).status == Worker.Status.ACTIVE


def test_a_reversal_restores_pay_and_the_record_of_both():
    batch = floored_batch()
    appeal = appealed(batch)
    worker = appeal.rejection.assignment.worker

    votes(appeal, "overturn", "overturn", now=LATER)
    pay_all()
    records.update(requester_id=owner(batch).pk, now=AFTER)

    assert fresh(appeal).outcome == "overturned"
    assert fresh(appeal.rejection.assignment).status == "accepted"
    assert earned(worker) == 100
    record = RequesterRecord.objects.get(requester=owner(batch))
    assert (record.rejected, record.appeals, record.overturned) == (0, 1, 1)
    nothing_is_broken(now=AFTER)


def test_a_requester_cannot_decide_about_an_account():
    batch = floored_batch()

    for path in "decisions/waiting", "flags":
        answer = api(a_worker()).get(path)
        assert problem_of(answer) == (403, "permission_denied"), path
    assert problem_of(api(owner(batch)).get("decisions/waiting")) == (403, "permission_denied")
