"""What is recorded of a label, when, and that the chain grows by one run at a time."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.db import connection

from payments.deposits import deposit
from tasks import answer, invariants, provenance, publish, settle
from tasks.alone import AGGREGATE
from tasks.models import Answer, Assignment, Batch, Consensus, Provenance, Report, Review
from tasks.provenance import RECORDED, write
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    refuse,
    submitted,
    usd,
)
from tests.tasks.predicting import push_all, use
from tests.tasks.recording import (
    CLOSED,
    LATER,
    answered_batch,
    closed_batch,
    links,
    recorded_batch,
    settled,
)
from tests.tasks.sessions import locked
from tests.tasks.settling import events

pytestmark = pytest.mark.django_db
WEEK = 7 * 24 * HOUR


def text_sha(table, column, where, pk):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column}::text FROM {table} WHERE {where} = %s", [pk])
        return sha256(cursor.fetchone()[0].encode()).hexdigest()


def give(held, now=NOON):
    answer.submit(assignment_id=held.pk, worker=held.worker, answer={"label": "cat"}, now=now)


# What.


def test_a_record_says_where_a_label_comes_from():
    batch = recorded_batch(["cat", "cat", "dog"])

    [row] = links(batch)

    first, second, third = Assignment.objects.order_by("pk")
    names = dict(batch.cursors.values_list("worker", "pseudonym"))
    version = batch.version_id
    assert row.number == 1
    answers = row.record.pop("answers")
    assert row.record == {
        "format": 1,
        "software": "crowdwright 0.1.0",
        "project": batch.project_id,
        "batch": batch.pk,
        "version": {
            "number": 1,
            "instructions_sha256": sha256(b"Say which animal you see.").hexdigest(),
            "interface_sha256": text_sha("tasks_projectversion", "interface", "id", version),
        },
        "task": first.task_id,
        "external_id": "0",
        "input_sha256": text_sha("tasks_taskinput", "data", "task_id", first.task_id),
        "labels": {
            "label": {
                "value": "cat",
                "source": "crowd",
                "method": "majority_vote",
                "answers": 3,
                "confidence": pytest.approx(2 / 3),
                "raw_confidence": pytest.approx(2 / 3),
                "calibrated": False,
                "exponent": 1.0,
                "path": [
                    {"answers": 1, "leading": "cat", "share": 1.0},
                    {"answers": 2, "leading": "cat", "share": 1.0},
                    {"answers": 3, "leading": "cat", "share": pytest.approx(2 / 3)},
                ],
            }
        },
        "review": None,
    }
    assert [each["assignment"] for each in answers] == [first.pk, second.pk, third.pk]
    assert answers[1] == {
        "worker": names[second.worker_id],
        "assignment": second.pk,
        "sha256": bytes(Answer.objects.get(pk=second.pk).sha256).hex(),
        "status": "accepted",
        "claimed_at": "2026-01-01T12:01:00Z",
        "submitted_at": "2026-01-01T12:01:30Z",
        "active": {"seconds": 30.0, "measure": "submit_gap"},
        "suggestion": None,
        "shown": {},
        "reward": {"minor": 5, "currency": "USD"},
    }


def test_of_tasks_claimed_together_the_second_begins_when_the_first_was_submitted():
    batch = published_batch(tasks=2, aggregation="majority_vote")
    worker = a_worker()
    held = [claim(batch, worker), claim(batch, worker)]
    for minutes, each in zip([2, 5], held, strict=True):
        give(each, NOON + minutes * MINUTE)
    settled(batch)

    provenance.record_due(now=LATER)

    active = {
        row.record["answers"][0]["assignment"]: row.record["answers"][0]["active"]["seconds"]
        for row in links(batch)
    }
    assert active == {held[0].pk: 120.0, held[1].pk: 180.0}


def test_the_order_in_which_options_were_shown_is_recorded_where_it_varies():
    interface = [
        {"type": "choice", "name": "label", "options": ["cat", "dog", "eel"], "shuffle": True},
        {"type": "choice", "name": "plain", "options": ["cat", "dog"]},
        {"type": "pairwise", "name": "better", "left": "${image}", "right": "${image}"},
    ]
    said = {"label": "eel", "plain": "cat", "better": "right"}
    batch = recorded_batch([said], project=a_project(interface=interface))

    [given] = links(batch)[0].record["answers"]

    def drawn(value):
        return sha256(f"{given['assignment']}:label:{value}".encode()).digest()

    flipped = sha256(f"{given['assignment']}:better".encode()).digest()[0] >= 128
    assert given["shown"] == {
        "label": sorted(["cat", "dog", "eel"], key=drawn),
        "better": ["right", "left"] if flipped else ["left", "right"],
    }


def test_only_questions_with_one_label_have_a_path():
    interface = [
        {"type": "choice", "name": "label", "options": ["cat", "dog"], "required": False},
        {"type": "choice", "name": "seen", "options": ["cat", "dog"], "multiple": True},
    ]
    said = [{"label": "dog", "seen": ["cat"]}, {"seen": ["cat"]}, {"label": "cat", "seen": ["cat"]}]
    batch = recorded_batch(said, project=a_project(interface=interface))

    labels = links(batch)[0].record["labels"]

    assert labels["seen"]["path"] is None
    assert labels["label"]["path"] == [
        {"answers": 1, "leading": "dog", "share": 1.0},
        {"answers": 2, "leading": "cat", "share": 0.5},  # a tie: the interface lists it first
    ]


def test_a_rejected_answer_is_recorded_and_does_not_vote():
    batch = answered_batch(["dog", "cat"], overlap=3)
    refused = Assignment.objects.order_by("pk").first()
    requester = batch.project.requester
    deposit(owner_id=requester.pk, amount=usd(6), reference="for another", now=NOON)
    refuse(assignment=refused, actor=requester, now=NOON)
    submitted(batch, "cat", now=NOON + 10 * MINUTE)
    submitted(batch, "cat", now=NOON + 20 * MINUTE)
    settled(batch)
    provenance.record_due(now=LATER)

    [record] = [row.record for row in links(batch)]

    statuses = [each["status"] for each in record["answers"]]
    assert statuses == ["rejected", "accepted", "accepted", "accepted"]
    assert [each["leading"] for each in record["labels"]["label"]["path"]] == ["cat"] * 3


def test_the_suggestion_that_a_worker_was_shown_is_named():
    batch = published_batch(tasks=1, aggregation="majority_vote")
    push_all(batch, lambda number: {"label": "cat"}, name="resnet", version="7")
    use(batch, prelabels=True)
    submitted(batch)
    settled(batch)
    provenance.record_due(now=LATER)

    [given] = links(batch)[0].record["answers"]

    assert given["suggestion"] == {"predictor": "resnet", "version": "7"}


def test_a_review_that_settled_the_task_is_named_and_how_confidences_were_calibrated():
    batch = closed_batch(["cat"])
    task = batch.tasks.get()
    Consensus.objects.update(source="review", value="dog", confidence=1.0)
    decided = Review.objects.create(
        batch=batch, task=task, reason="audit", status="fixed", confidence=0.5,
        proposal={"label": "cat"}, value={"label": "dog"}, reviewer=batch.project.requester,
        created_at=CLOSED, decided_at=CLOSED,
    )  # fmt: skip
    data = {"elements": {"label": {"calibration": {"exponent": 0.5}}}}
    Report.objects.update(data=data)

    provenance.record_due(now=LATER)

    record = links(batch)[0].record
    assert record["review"] == {
        "id": decided.pk,
        "decision": "fixed",
        "by": "reviewer",
        "decided_at": "2026-01-01T13:00:00Z",
    }
    assert record["labels"]["label"]["source"] == "review"
    assert record["labels"]["label"]["exponent"] == 0.5


def test_gold_and_tasks_without_a_label_are_not_in_the_chain():
    batch = published_batch(tasks=2, gold=1, gold_rate=0.3, aggregation="majority_vote")
    labelled = submitted(batch).task_id
    give(claim(batch, gold=True))
    publish.close(batch=fresh(batch), actor=batch.project.requester, now=NOON)
    settled(batch)
    provenance.record_due(now=LATER)

    assert [row.task_id for row in links(batch)] == [labelled]


# When.


@pytest.mark.parametrize("make", [drafted_batch, published_batch, lambda: answered_batch(["cat"])])
def test_batches_that_are_not_closed_are_left_alone(make):
    make()

    assert provenance.record_due(now=LATER) == 0
    assert events(RECORDED) == []


def test_a_chain_is_written_once_and_an_event_tells_its_end():
    batch = closed_batch(["cat"], ["dog"])

    assert provenance.record_due(now=LATER) == 2
    assert provenance.record_due(now=LATER) == 0

    last = links(batch)[-1]
    end = {"labels": 2, "head": bytes(last.sha256).hex()}
    assert events(RECORDED) == [(batch.pk, None, LATER, end)]
    assert last.created_at == LATER


def test_a_batch_without_labels_has_an_empty_chain():
    batch = published_batch(tasks=1)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)

    assert provenance.record_due(now=LATER) == 0
    assert events(RECORDED) == [(batch.pk, None, LATER, {"labels": 0, "head": "00" * 32})]


def test_only_so_much_is_written_in_one_run_the_longest_closed_first(monkeypatch):
    monkeypatch.setattr(write, "CHUNK", 1)
    batches = [
        settled(answered_batch(["cat"], ["dog"]), now=CLOSED - place * MINUTE) for place in range(2)
    ]

    assert [provenance.record_due(now=LATER, limit=3) for _ in range(3)] == [3, 1, 0]
    assert [subject for subject, *_ in events(RECORDED)] == [each.pk for each in batches[::-1]]


def test_answers_that_no_label_rests_on_yet_are_waited_for():
    closed_batch(["cat"])
    Assignment.objects.update(aggregated_at=None)

    assert provenance.record_due(now=LATER) == 0


def test_a_review_that_waits_is_waited_for_but_not_for_more_than_a_week():
    batch = closed_batch(["cat"])
    Review.objects.create(
        batch=batch, task=batch.tasks.get(), reason="audit", confidence=0.5,
        proposal={"label": "cat"}, created_at=CLOSED,
    )  # fmt: skip

    assert provenance.record_due(now=CLOSED + WEEK - MINUTE) == 0
    assert invariants.broken(now=CLOSED + WEEK - MINUTE) == []
    assert provenance.record_due(now=CLOSED + WEEK) == 1


def test_doubtful_tasks_of_adaptive_batches_have_time_to_be_put_up_for_review():
    batch = closed_batch(["cat"])
    Batch.objects.filter(pk=batch.pk).update(redundancy="adaptive")
    soon, ready = CLOSED + 5 * MINUTE - MINUTE / 60, CLOSED + 5 * MINUTE

    assert provenance.record_due(now=soon) == 0
    assert invariants.broken(now=ready + 5 * MINUTE) == []
    assert provenance.record_due(now=ready) == 1


# One chain, whatever happens.


def test_a_run_that_died_is_continued_where_its_chain_ends(monkeypatch):
    labels = [["cat"], ["dog"], ["cat"], ["cat"], ["dog"]]
    batch = closed_batch(*labels)
    monkeypatch.setattr(write, "CHUNK", 2)
    real, chunks = write._extend, []

    def die_in_the_third_chunk(source, now):
        chunks.append(1)
        if len(chunks) == 3:
            raise MemoryError
        return real(source, now)

    monkeypatch.setattr(write, "_extend", die_in_the_third_chunk)
    with pytest.raises(MemoryError):
        provenance.record_due(now=LATER)
    assert [row.number for row in links(batch)] == [1, 2, 3, 4]
    monkeypatch.setattr(write, "_extend", real)

    assert provenance.record_due(now=LATER) == 1

    assert [row.number for row in links(batch)] == [1, 2, 3, 4, 5]
    assert provenance.verify(batch).broken == 0


@pytest.mark.django_db(transaction=True)
def test_while_another_run_has_the_batch_nothing_is_written():
    batch = closed_batch(["cat"])

    with locked("SELECT pg_advisory_lock(%s, %s)", AGGREGATE, batch.pk):
        assert provenance.record_due(now=LATER) == 0
    assert not Provenance.objects.exists()

    assert provenance.record_due(now=LATER) == 1
