"""Training tells after each answer; an exam grants a qualification to whoever passes."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tasks import aggregate, answer, distribute, publish, quality, settle
from tasks.aggregation.skill import estimate
from tasks.control import exam, gold
from tasks.errors import InvalidPolicy
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Consensus, Gold, Task
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    add_tasks,
    drafted_batch,
    fresh,
    never_gold,
    published_batch,
    rows,
)
from tests.payments.books import at_once
from tests.tasks.reviewing import owner
from tests.workers.make import a_qualification_type
from workers.models import Event, Qualification, Skill

pytestmark = pytest.mark.django_db
LATER = NOON + HOUR


def questions(count, **options):
    """Rows whose answers are cat, dog, cat, …"""
    known = [json.dumps({"label": ("cat", "dog")[number % 2]}) for number in range(count)]
    return [row for each in known for row in rows(1, gold=each, **options)]


def a_training(count=2, **fields):
    return published_batch(
        **{"tasks": questions(count, explanation="Look at the ears."), "purpose": "training",
           "overlap": 3, **fields}
    )  # fmt: skip


def an_exam(count=5, **fields):
    project = fields.pop("project", None) or a_project()
    kind = a_qualification_type(project.requester)
    policy = {"purpose": "exam", "grants": kind.pk, "overlap": 3, "project": project, **fields}
    return published_batch(**{"tasks": questions(count), **policy})


def sit(batch, worker, *, right, skip=0, now=NOON):
    """Answer every question: the first ``skip`` not at all, then ``right`` of them rightly."""
    handout = distribute.claim(batch_id=batch.pk, worker=worker, count=20, now=now, draw=never_gold)
    for number, given in enumerate(sorted(handout.assignments, key=lambda each: each.task_id)):
        if number < skip:
            answer.skip(assignment=Assignment.objects.get(pk=given.id), now=now)
            continue
        known = Gold.objects.get(pk=given.task_id).answer["label"]
        label = known if number - skip < right else {"cat": "dog", "dog": "cat"}[known]
        answer.submit(assignment_id=given.id, worker=worker, answer=label, now=now)
    return len(handout.assignments)


def results():
    """Share and verdict of each grading, in their order."""
    found = Event.objects.filter(kind="exam_graded").order_by("pk")
    return [(each.subject_id, each.data["share"], each.data["passed"]) for each in found]


# What may be drafted and uploaded.


def test_an_exam_says_what_it_grants_and_nothing_else_may():
    make = partial(drafted_batch, project=a_project())
    kind = a_qualification_type()

    with pytest.raises(InvalidPolicy, match="only an exam"):
        make(purpose="exam")
    for purpose in "work", "training":
        with pytest.raises(InvalidPolicy, match="only an exam"):
            make(purpose=purpose, grants=kind.pk)


def test_an_exam_grants_an_active_qualification_of_its_requester():
    project = a_project()
    theirs, mine = a_qualification_type(), a_qualification_type(project.requester)
    for pk in theirs.pk, 2**40:
        with pytest.raises(InvalidPolicy, match="no active qualification"):
            drafted_batch(project=project, purpose="exam", grants=pk)
    type(mine).objects.filter(pk=mine.pk).update(status="inactive")

    with pytest.raises(InvalidPolicy, match="no active qualification"):
        drafted_batch(project=project, purpose="exam", grants=mine.pk)


@pytest.mark.parametrize("purpose", ["training", "exam"])
def test_what_is_known_is_not_asked_adaptively(purpose):
    project = a_project()
    grants = a_qualification_type(project.requester).pk if purpose == "exam" else None

    with pytest.raises(InvalidPolicy, match="fixed overlap"):
        drafted_batch(project=project, purpose=purpose, grants=grants, redundancy="adaptive")


def test_a_row_without_its_answer_is_refused_and_the_others_are_served_openly():
    batch = drafted_batch(tasks=[], purpose="training", overlap=4)

    upload = add_tasks(batch, [*questions(2), *rows(1)])

    assert (upload.tasks, upload.gold, upload.slots, upload.rejected) == (2, 0, 8, 1)
    assert upload.rejections[0] == (
        3, "gold: every row of a batch for training needs its known answer.",
    )  # fmt: skip
    assert list(Task.objects.values_list("lane", "remaining_overlap")) == [(1, 4), (1, 4)]
    assert Gold.objects.count() == 2
    assert broken(now=NOON) == []


def test_candidates_are_paid_like_any_other_worker():
    batch, worker = a_training(auto_accept_delay=MINUTE), a_worker()
    assert batch.budget_minor == 2 * 3 * 6
    sit(batch, worker, right=0)

    settle.accept_due(now=LATER)

    assert settle.pay_accepted(now=LATER) == 2
    assert broken(now=NOON) == []


# Training.


def test_a_training_answer_is_followed_by_what_is_right_and_why():
    batch, worker = a_training(), a_worker()
    handout = distribute.claim(batch_id=batch.pk, worker=worker, count=2, now=NOON, draw=never_gold)
    said = {}
    for given in handout.assignments:
        found = answer.submit(assignment_id=given.id, worker=worker, answer="cat", now=NOON)
        known = Gold.objects.get(pk=given.task_id).answer
        assert found.feedback.expected == known
        said[known["label"]] = found.feedback

    assert (said["cat"].right, said["dog"].right) == (True, False)
    assert said["dog"].explanation == "Look at the ears."


@pytest.mark.parametrize("make", [an_exam, partial(published_batch, tasks=2)])
def test_nothing_else_tells(make):
    batch, worker = make(), a_worker()
    [given] = distribute.claim(
        batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold
    ).assignments

    found = answer.submit(assignment_id=given.id, worker=worker, answer="cat", now=NOON)

    assert found == ({"label": "cat"}, None)


def test_a_question_that_was_wrong_teaches_nothing():
    batch, worker = a_training(1), a_worker()
    [given] = distribute.claim(
        batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold
    ).assignments
    gold.retire(gold=Gold.objects.get(), why=Gold.Retired.DISPUTED, now=NOON, actor=owner(batch))

    found = answer.submit(assignment_id=given.id, worker=worker, answer="cat", now=NOON)

    assert found.feedback is None
    assert fresh(batch).gold_retired == 0  # its tasks are not counted as gold
    assert broken(now=NOON) == []


def test_feedback_costs_one_query_and_work_none(django_assert_num_queries):
    for batch, queries in (a_training(), 3), (published_batch(tasks=2), 2):
        worker = a_worker()
        first, second = distribute.claim(
            batch_id=batch.pk, worker=worker, count=2, now=NOON, draw=never_gold
        ).assignments
        answer.submit(assignment_id=first.id, worker=worker, answer="cat", now=NOON)
        with django_assert_num_queries(queries):
            answer.submit(assignment_id=second.id, worker=worker, answer="cat", now=NOON)


def test_training_and_exams_leave_no_consensus_and_only_exams_measure():
    project = a_project()
    training = a_training(project=project)
    tested = an_exam(project=project)
    learner, candidate = a_worker(), a_worker()
    sit(training, learner, right=2)
    sit(tested, candidate, right=4)

    for batch in training, tested:
        assert aggregate.aggregate(batch=batch, now=LATER)

    assert not Consensus.objects.exists()
    [skill] = Skill.objects.filter(project_id=project.pk, source=Skill.Source.GOLD)
    assert (skill.worker, skill.estimate) == (candidate, estimate(4, 5).estimate)
    assert not Assignment.objects.filter(aggregated_at=None).exists()


# Exams.


def test_whoever_passes_is_granted_the_qualification_with_their_share():
    batch, worker = an_exam(5), a_worker()
    sit(batch, worker, right=4)

    assert [exam.grade_due(now=LATER) for _ in range(2)] == [1, 0]

    held = Qualification.objects.get()
    assert (held.worker, held.type, held.value) == (worker, batch.grants, 80)
    assert results() == [(worker.pk, 0.8, True)]
    assert broken(now=NOON) == []


def test_whoever_fails_is_told_their_share_and_granted_nothing():
    batch, worker = an_exam(5), a_worker()
    sit(batch, worker, right=3)

    exam.grade_due(now=LATER)

    assert results() == [(worker.pk, 0.6, False)]
    assert not Qualification.objects.exists()


def test_the_pass_mark_is_the_batchs():
    batch, worker = an_exam(5, pass_mark=0.6), a_worker()
    sit(batch, worker, right=3)

    exam.grade_due(now=LATER)

    assert Qualification.objects.get().value == 60


def test_a_question_that_was_skipped_is_not_right():
    batch, worker = an_exam(5), a_worker()
    sit(batch, worker, right=4, skip=1)
    other = a_worker()
    sit(batch, other, right=3, skip=2)

    exam.grade_due(now=LATER)

    assert sorted(results()) == sorted([(worker.pk, 0.8, True), (other.pk, 0.6, False)])


def test_nobody_is_graded_while_a_question_is_under_way_or_still_to_come():
    batch, worker = an_exam(5), a_worker()
    [given] = distribute.claim(
        batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold
    ).assignments
    assert exam.grade_due(now=LATER) == 0
    answer.submit(assignment_id=given.id, worker=worker, answer="cat", now=NOON)
    assert exam.grade_due(now=LATER) == 0

    sit(batch, worker, right=4)

    assert exam.grade_due(now=LATER) == 1


def test_when_all_places_are_taken_half_of_the_questions_are_enough_and_fewer_are_not():
    batch = an_exam(4, overlap=1)
    tasks = list(Task.objects.filter(batch=batch).order_by("position"))
    late, later = a_worker(), a_worker()
    for worker, count in (late, 2), (later, 1), (a_worker(), 1):
        handout = distribute.claim(
            batch_id=batch.pk, worker=worker, count=count, now=NOON, draw=never_gold
        )
        for given in handout.assignments:
            known = Gold.objects.get(pk=given.task_id).answer
            answer.submit(assignment_id=given.id, worker=worker, answer=known, now=NOON)
    assert len(tasks) == 4

    assert exam.grade_due(now=LATER) == 1

    assert results() == [(late.pk, 1.0, True)]


def test_an_exam_that_closes_grades_who_is_half_through():
    batch, worker = an_exam(4), a_worker()
    for _ in range(2):
        [given] = distribute.claim(
            batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold
        ).assignments
        known = Gold.objects.get(pk=given.task_id).answer
        answer.submit(assignment_id=given.id, worker=worker, answer=known, now=NOON)
    publish.close(batch=batch, actor=owner(batch), now=NOON)
    settle.wind_up(now=NOON)

    assert exam.grade_due(now=LATER) == 1
    assert results() == [(worker.pk, 1.0, True)]


def test_an_exam_that_closed_long_ago_grades_nobody():
    batch, worker = an_exam(2), a_worker()
    sit(batch, worker, right=2)
    Batch.objects.filter(pk=batch.pk).update(status="closed", closed_at=NOON)

    assert exam.grade_due(now=NOON + 25 * HOUR) == 0
    assert exam.grade_due(now=LATER) == 1


def test_a_question_that_was_taken_back_counts_for_nobody():
    batch, worker = an_exam(5), a_worker()
    wrong = Gold.objects.order_by("pk").last()
    sit(batch, worker, right=4)
    gold.retire(gold=wrong, why=Gold.Retired.WITHDRAWN, now=NOON, actor=owner(batch))

    exam.grade_due(now=LATER)

    assert results() == [(worker.pk, 1.0, True)]


def test_answers_to_an_exam_count_as_gold_of_the_project():
    batch, worker = an_exam(5), a_worker()
    sit(batch, worker, right=3)

    quality.score_by_gold(project_id=batch.project_id, now=LATER)

    assert Skill.objects.get().estimate == estimate(3, 5).estimate


def test_work_is_never_graded():
    batch, worker = published_batch(tasks=1), a_worker()
    [given] = distribute.claim(
        batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold
    ).assignments
    answer.submit(assignment_id=given.id, worker=worker, answer="cat", now=NOON)

    assert exam.grade_due(now=LATER) == 0


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_grade_each_worker_once():
    batch = an_exam(5)
    for right in 5, 4, 2:
        sit(batch, a_worker(), right=right)

    outcomes = at_once([partial(exam.grade_due, now=LATER)] * 4)

    assert sum(outcomes) == len(results()) == 3
    assert Qualification.objects.count() == 2
    assert broken(now=NOON) == []
