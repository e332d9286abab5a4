"""Step 3: an answer is taken once, as it was given, and kept for good."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tasks import answer, distribute, draft, publish, settle, versions
from tasks.errors import IllegalTransition, InvalidAnswer
from tasks.invariants import broken
from tasks.models import Answer, Assignment, Task
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    accepted,
    claim,
    fresh,
    may_claim,
    published_batch,
    rejected,
    slots,
    submitted,
)
from tests.payments.books import at_once

pytestmark = pytest.mark.django_db

SOON = NOON + MINUTE


def submit(assignment, said="cat", *, worker=None, now=SOON):
    return answer.submit(
        assignment_id=assignment.pk, worker=worker or assignment.worker, answer=said, now=now
    ).answer


def jsonb_text(assignment):
    """The answer as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value::text FROM tasks_answer WHERE assignment_id = %s", [assignment.pk]
        )
        return cursor.fetchone()[0]


# Submitting.


def test_an_answer_is_stored_and_returned_in_its_canonical_form():
    held = claim(published_batch(tasks=1))

    stored = submit(held, "cat")

    assert stored == {"label": "cat"}
    kept = Answer.objects.get(assignment=held)
    assert (kept.value, kept.created_at) == ({"label": "cat"}, SOON)


def test_a_submitted_assignment_waits_for_a_decision_until_its_time_is_up():
    held = claim(published_batch(tasks=1, auto_accept_delay=timedelta(hours=7)))

    submit(held)

    held = fresh(held)
    assert (held.status, held.submitted_at) == (Assignment.Status.SUBMITTED, SOON)
    assert (held.accept_due_at, held.finished_at) == (SOON + 7 * HOUR, None)


def test_an_answer_takes_no_slot_and_no_money():
    batch = published_batch(tasks=1, overlap=2)

    submit(claim(batch))

    assert (slots(batch), fresh(batch).reserved, fresh(batch).spent) == ([1], 12, 0)
    assert broken(now=NOON) == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("cat", '{"label": "cat"}'),
        (
            {"label": "cat", "note": 'Ünï "猫" \\ 😺'},
            '{"note": "Ünï \\"猫\\" \\\\ 😺", "label": "cat"}',
        ),
    ],
    ids=["one element", "two elements"],
)
def test_the_hash_is_of_the_answers_text_in_the_database(said, text):
    interface = [
        {"type": "choice", "name": "label", "options": ["cat", "dog"]},
        {"type": "text", "name": "note", "required": False},
    ]
    held = claim(published_batch(tasks=1, project=a_project(interface=interface)))

    submit(held, said if isinstance(said, dict) else {"label": said})

    assert jsonb_text(held) == text
    assert bytes(Answer.objects.get().sha256) == hashlib.sha256(text.encode()).digest()


def test_equal_answers_have_equal_hashes_however_they_are_spelled():
    interface = [
        {"type": "choice", "name": "seen", "options": ["cat", "dog"], "multiple": True},
        {"type": "text", "name": "note"},
    ]
    batch = published_batch(tasks=1, overlap=2, project=a_project(interface=interface))

    submit(claim(batch), {"seen": ["dog", "cat"], "note": "Both."})
    submit(claim(batch), {"note": "Both.", "seen": ["cat", "dog"]})

    assert len({bytes(each.sha256) for each in Answer.objects.all()}) == 1


@pytest.mark.parametrize("said", ["bird", {"label": "bird"}, {}, None, ["cat"], {"other": "cat"}])
def test_an_answer_that_does_not_fit_is_refused_and_may_be_corrected(said):
    held = claim(published_batch(tasks=1))

    with pytest.raises(InvalidAnswer):
        submit(held, said)

    assert fresh(held).status == Assignment.Status.ACTIVE
    assert not Answer.objects.exists()
    assert submit(held, "dog") == {"label": "dog"}


def test_an_answer_is_taken_once():
    held = claim(published_batch(tasks=1))
    submit(held, "cat")

    for again in "cat", "dog":
        with pytest.raises(IllegalTransition, match="no longer yours"):
            submit(held, again, now=SOON + MINUTE)

    assert Answer.objects.get().value == {"label": "cat"}
    assert fresh(held).submitted_at == SOON


@pytest.mark.parametrize("ending", ["skipped", "expired", "accepted", "rejected", "paid"])
def test_what_is_finished_takes_no_answer(ending):
    batch = published_batch(tasks=1)
    if ending == "skipped":
        held = claim(batch)
        answer.skip(assignment=held, now=NOON)
    elif ending == "expired":
        held = claim(batch)
        distribute.expire_overdue(now=NOON + HOUR)
    else:
        held = rejected(batch) if ending == "rejected" else accepted(batch)
        if ending == "paid":
            settle.pay_accepted(now=NOON + HOUR)
    before = list(Answer.objects.values("value", "sha256"))

    with pytest.raises(IllegalTransition):
        submit(held, "dog")

    assert list(Answer.objects.values("value", "sha256")) == before
    assert fresh(held).status == (ending if ending != "paid" else "accepted")


def test_somebody_elses_assignment_does_not_exist():
    held = claim(published_batch(tasks=1))

    with pytest.raises(Assignment.DoesNotExist):
        submit(held, worker=a_worker())
    with pytest.raises(Assignment.DoesNotExist):
        answer.submit(assignment_id=-1, worker=held.worker, answer="cat", now=NOON)

    assert fresh(held).status == Assignment.Status.ACTIVE


@pytest.mark.parametrize("ending", ["paused", "closing"])
def test_what_was_claimed_may_be_submitted_although_the_batch_is(ending):
    batch = published_batch(tasks=2)
    held = claim(batch)
    verb = publish.pause if ending == "paused" else publish.close
    verb(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)

    submit(held)

    assert fresh(held).status == Assignment.Status.SUBMITTED
    assert fresh(batch).status == ending


def test_an_answer_is_checked_by_the_version_its_worker_saw():
    project = a_project()
    held = claim(published_batch(tasks=1, project=project))
    birds = [{"type": "choice", "name": "label", "options": ["wren", "robin"]}]
    draft.revise_project(project=project, instructions="", interface=birds, now=NOON)

    with pytest.raises(InvalidAnswer):
        submit(held, "wren")
    assert submit(held, "cat") == {"label": "cat"}


def test_a_version_is_read_once_per_process(django_assert_num_queries):
    batch = published_batch(tasks=2)
    versions.asked.cache_clear()
    first, second = claim(batch), claim(batch)

    one, other = first.worker, second.worker

    with django_assert_num_queries(3):  # whose is it, its version, store
        submit(first, worker=one)
    with django_assert_num_queries(2):  # whose is it, store
        submit(second, worker=other)


def test_a_version_knows_what_it_asked_and_for_whom():
    batch = published_batch(tasks=1)

    asked = versions.asked(batch.version_id)

    assert (asked.project_id, asked.title) == (batch.project_id, "Cats or dogs")
    assert asked.instructions == "Say which animal you see."
    assert asked.interface == batch.version.interface
    assert asked.checker.check("cat") == {"label": "cat"}


@pytest.mark.django_db(transaction=True)
def test_of_32_different_answers_at_once_one_is_stored():
    interface = [{"type": "text", "name": "said"}]
    held = claim(published_batch(tasks=1, project=a_project(interface=interface)))

    outcomes = at_once([partial(submit, held, f"answer {number}") for number in range(32)])

    [stored] = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert sum(isinstance(outcome, IllegalTransition) for outcome in outcomes) == 31
    assert Answer.objects.get().value == stored
    assert broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_a_submit_and_a_skip_at_once_have_one_winner():
    batch = published_batch(tasks=8, max_live_assignments=8)
    worker = a_worker()
    held = [claim(batch, worker) for _ in range(8)]

    outcomes = at_once(
        [
            *[partial(submit, each) for each in held],
            *[partial(answer.skip, assignment=each, now=NOON) for each in held],
        ]
    )

    for submitting, skipping in zip(outcomes[:8], outcomes[8:], strict=True):
        assert isinstance(submitting, IllegalTransition) != isinstance(skipping, IllegalTransition)
    assert broken(now=NOON) == []


# Answers are for good.


@pytest.mark.parametrize(
    "change",
    [
        lambda: Answer.objects.update(value={"label": "dog"}),
        lambda: Answer.objects.all().delete(),
        lambda: Answer.objects.first().save(),
    ],
    ids=["update", "delete", "save"],
)
def test_the_database_refuses_to_change_an_answer(change):
    submitted(published_batch(tasks=1), "cat")

    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        change()

    assert Answer.objects.get().value == {"label": "cat"}


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"status": "submitted"}, "assignment_submitted_at_iff_answered"),
        ({"submitted_at": NOON}, "assignment_submitted_at_iff_answered"),
        ({"status": "expired"}, "assignment_finished_at_iff_finished"),
        ({"finished_at": NOON}, "assignment_finished_at_iff_finished"),
        ({"paid_at": NOON}, "assignment_paid_only_if_accepted"),
        ({"deadline_at": NOON}, "assignment_deadline_after_claim"),
    ],
)
def test_the_database_refuses_assignments_that_contradict_themselves(changes, constraint):
    held = claim(published_batch(tasks=1))

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Assignment.objects.filter(pk=held.pk).update(**changes)

    assert fresh(held).status == Assignment.Status.ACTIVE


def test_the_database_refuses_a_rejection_without_a_reason():
    waiting = submitted(published_batch(tasks=1))

    with pytest.raises(IntegrityError, match="rejected_with_reason"), transaction.atomic():
        Assignment.objects.filter(pk=waiting.pk).update(status="rejected", finished_at=NOON)


# Skipping.


def test_a_skipped_task_goes_to_the_front_for_others():
    batch = published_batch(tasks=1)
    held = claim(batch)

    answer.skip(assignment=held, reason="Too dark.", now=SOON)

    skipped = fresh(held)
    assert (skipped.status, skipped.finished_at) == (Assignment.Status.SKIPPED, SOON)
    assert (skipped.reason, held.status) == ("Too dark.", Assignment.Status.SKIPPED)
    assert (slots(batch), Task.objects.get().lane) == ([1], Lane.URGENT)
    assert not may_claim(batch, held.worker)
    assert may_claim(batch, a_worker())
    assert broken(now=NOON) == []


@pytest.mark.parametrize("ending", ["skip", "submit", "expire"])
def test_only_what_is_live_can_be_skipped_also_with_an_old_object(ending):
    batch = published_batch(tasks=1)
    old = claim(batch)
    if ending == "skip":
        answer.skip(assignment=fresh(old), now=NOON)
    elif ending == "submit":
        submit(old)
    else:
        distribute.expire_overdue(now=NOON + HOUR)
    before = (fresh(old).status, slots(batch))

    with pytest.raises(IllegalTransition):
        answer.skip(assignment=old, now=NOON + HOUR)

    assert (fresh(old).status, slots(batch)) == before
    assert broken(now=NOON) == []


def test_what_is_skipped_in_a_closing_batch_is_withdrawn_and_its_money_released():
    batch = published_batch(tasks=1, overlap=2)
    held = claim(batch)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)

    answer.skip(assignment=Assignment.objects.get(pk=held.pk), now=NOON)

    assert Task.objects.get().overlap == 0
    assert fresh(batch).reserved == 0
    assert broken(now=NOON) == []


def test_skipping_costs_the_same_however_large_the_batch(django_assert_num_queries):
    held = claim(published_batch(tasks=30))
    held = Assignment.objects.select_related("batch").get(pk=held.pk)

    with django_assert_num_queries(4):  # savepoint, move, reopen, release
        answer.skip(assignment=held, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_a_task_skipped_by_eight_at_once_has_all_its_slots_again():
    batch = published_batch(tasks=1, overlap=8)
    held = [claim(batch) for _ in range(8)]

    at_once([partial(answer.skip, assignment=each, now=NOON) for each in held])

    assert slots(batch) == [8]
    assert broken(now=NOON) == []


def test_assignments_are_found_by_what_they_are():
    batch = published_batch(tasks=4, overlap=1)
    live, waiting = claim(batch), submitted(batch)
    unpaid, refused = accepted(batch), rejected(batch)
    every = Assignment.objects.all()

    assert set(every.of(live.worker)) == {live}
    assert set(every.reviewable_by(batch.project.requester_id)) == set(every)
    assert not every.reviewable_by(live.worker.user_id)
    assert set(every.counted()) == {waiting, unpaid}
    assert set(every.undecided()) == {live, waiting, unpaid}
    assert set(every.unpaid()) == {unpaid}
    assert refused in set(every)
