"""A requester's record counts what is final, once, of whoever has news, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import settle
from tasks.disclosure import ratings, records
from tasks.models import Appeal, Assignment, Rejection, RequesterRecord
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    fresh,
    link,
    published_batch,
    submitted,
    usd,
)
from tests.tasks.marketplace import reread
from workers.models import Decision

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


def a_batch(**fields):
    return published_batch(tasks=20, **fields)


def paid(batch, *, after=HOUR):
    """An accepted and paid answer, submitted at 12:01 and paid ``after`` noon."""
    assignment = reread(submitted(batch))
    settle.accept(assignment=assignment, actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON + after)
    return assignment


def refused(batch, status="final", outcome=""):
    """A rejection in this status, with a decided appeal if there is an outcome."""
    assignment = reread(submitted(batch))
    requester, reason = batch.project.requester, "The animal is a dog, as the ears clearly show."
    Assignment.objects.filter(pk=assignment.pk).update(
        status="rejected", finished_at=NOON, decided_by=requester, reason=reason
    )
    record = Decision.objects.create(
        kind="refuse_pay", subject_kind="assignment", subject_id=assignment.pk,
        concerns=assignment.worker.user, made_by=requester, reasons=reason, made_at=NOON,
        effective_at=NOON,
    )  # fmt: skip
    over = status in {"final", "overturned", "declined"}
    made = Rejection.objects.create(
        assignment=assignment, code="wrong_or_empty", reason=reason, instruction="Look.",
        status=status, made_by=requester, made_at=NOON, decision=record,
        final_at=NOON + HOUR if over else None,
    )  # fmt: skip
    if outcome:
        Appeal.objects.create(
            rejection=made, status="decided", made_at=NOON, jury_until=LATER, due_at=LATER,
            outcome=outcome, answer="Because.", decided_at=NOON + HOUR,
        )  # fmt: skip
    return assignment


def the_record(batch, *, now=LATER):
    records.update_due(now=now)
    return RequesterRecord.objects.get(requester=batch.project.requester)


def figures(record):
    names = ("decided", "accepted", "rejected", "appeals", "overturned")
    return tuple(getattr(record, name) for name in names)


def test_a_record_counts_final_decisions_and_appeals():
    batch = a_batch()
    for _ in range(3):
        paid(batch)
    refused(batch)
    refused(batch, outcome="upheld")

    assert figures(the_record(batch)) == (5, 3, 2, 1, 0)


@pytest.mark.parametrize("status", ["waiting", "open", "appealed"])
def test_a_rejection_that_may_still_fall_does_not_count(status):
    batch = a_batch()
    paid(batch)
    refused(batch, status)

    assert figures(the_record(batch)) == (1, 1, 0, 0, 0)


def test_an_answer_that_an_appeal_saved_counts_as_accepted_and_as_overturned():
    batch = a_batch()
    saved = refused(batch, "overturned", outcome="overturned")
    Assignment.objects.filter(pk=saved.pk).update(status="accepted", paid_at=NOON + HOUR)
    paid(batch)

    assert figures(the_record(batch)) == (2, 2, 0, 1, 1)


def test_an_accepted_answer_counts_once_it_is_paid():
    batch = a_batch()
    paid(batch)
    settle.accept(
        assignment=reread(submitted(batch)), actor=batch.project.requester, now=NOON + HOUR
    )

    assert figures(the_record(batch)) == (1, 1, 0, 0, 0)


def test_time_to_pay_is_from_submit_to_pay():
    batch = a_batch()
    for minutes in range(1, 21):
        paid(batch, after=MINUTE + minutes * MINUTE)  # submitted at 12:01

    found = the_record(batch)

    assert (found.decision_p50_seconds, found.decision_p95_seconds) == (600, 1140)


def test_a_requester_without_news_is_not_counted_again():
    batch = a_batch()
    paid(batch)

    assert records.update_due(now=LATER) == 1
    assert records.update_due(now=LATER + HOUR) == 0


def test_news_is_a_payment_a_final_rejection_or_a_rating():
    batch, other = a_batch(), a_batch()
    first = paid(batch)
    records.update_due(now=NOON + HOUR)
    RequesterRecord.objects.update(computed_at=NOON + 2 * HOUR)

    paid(batch, after=3 * HOUR)
    assert records.update_due(now=NOON + 4 * HOUR) == 1
    refusal = refused(other)
    Rejection.objects.filter(pk=refusal.pk).update(final_at=NOON + 5 * HOUR)
    assert records.update_due(now=NOON + 6 * HOUR) == 1
    ratings.rate(
        worker=first.worker, batch=batch, fairness=1, pay=2, speed=3, communication=4,
        now=NOON + 7 * HOUR,
    )  # fmt: skip
    assert records.update_due(now=NOON + 8 * HOUR) == 1


def test_what_was_committed_late_is_seen_by_the_next_run():
    """Its clock was read before the record's, its commit came after."""
    batch = a_batch()
    paid(batch)
    records.update_due(now=NOON + HOUR + MINUTE / 2)
    RequesterRecord.objects.update(decided=0)

    assert the_record(batch, now=NOON + 2 * HOUR).decided == 1


def test_the_longest_unseen_come_first_and_no_more_than_the_limit():
    batches = [a_batch() for _ in range(3)]
    for batch in batches:
        paid(batch)

    assert records.update_due(now=LATER, limit=2) == 2
    assert records.update_due(now=LATER, limit=2) == 1
    assert RequesterRecord.objects.count() == 3


def test_only_the_latest_answers_count(monkeypatch):
    monkeypatch.setattr(records, "ANSWERS", 2)
    batch = a_batch()
    for _ in range(3):
        paid(batch)

    assert figures(the_record(batch)) == (2, 2, 0, 0, 0)


def test_a_record_spans_all_batches_of_a_requester_and_no_others():
    requester = a_requester(usd(1000))
    mine = [a_batch(project=a_project(requester=requester)) for _ in range(2)]
    for batch in (*mine, a_batch()):
        paid(batch)

    assert figures(the_record(mine[0])) == (2, 2, 0, 0, 0)


def test_ratings_are_averaged_per_person():
    batches = [a_batch() for _ in range(2)]
    requester = batches[0].project.requester
    batches[1].project.requester = requester
    batches[1].project.save()
    often, once, twin = a_worker(), a_worker(), a_worker()
    link(often, twin)
    said = [(often, 0, 1), (often, 1, 3), (twin, 0, 2), (once, 0, 5)]
    for worker, number, mark in said:
        batch = batches[number]
        answered = reread(submitted(batch, worker=worker))
        settle.accept(assignment=answered, actor=requester, now=NOON)
        ratings.rate(
            worker=fresh(worker), batch=batch, fairness=mark, pay=mark, speed=mark,
            communication=mark, now=NOON,
        )  # fmt: skip

    found = the_record(batches[0])

    # Often and their twin are one person, of 2 on average; so the mean is (2 + 5) / 2.
    assert (found.ratings, found.fairness, found.communication) == (2, 3.5, 3.5)
