"""Doubtful tasks wait for a person; what the person says stands."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import ProgrammingError, transaction

from tasks import aggregate, quality, redundancy
from tasks.aggregation.skill import estimate
from tasks.errors import IllegalTransition, InvalidAnswer
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Consensus, Review, Task
from tasks.reviews import review
from tests.factories import HOUR, NOON, a_worker, claim, fresh, link, refuse, slots
from tests.payments.books import at_once
from tests.tasks.reviewing import (
    LATER,
    a_review,
    adaptive,
    answered,
    combine,
    consensus_of,
    disputed,
    fixed,
    funded,
    owner,
    put_up,
    said,
    say,
    task_ids,
    waiting,
)
from workers.models import Skill

pytestmark = pytest.mark.django_db
Status = Review.Status


def accept(row, **how):
    review.accept(review=row, reviewer=owner(row.batch), now=LATER, **how)


def fix(row, value, **how):
    review.fix(review=row, value=value, reviewer=owner(row.batch), now=LATER, **how)


def send_back(row, answers=1, **how):
    review.send_back(review=row, answers=answers, reviewer=owner(row.batch), now=LATER, **how)


# What is due.


def test_a_complete_task_below_the_target_is_put_up_and_a_sure_one_is_not():
    batch = answered(("cat", "dog"), ("cat", "cat"))

    assert review.queue_due(now=LATER) == 1

    [row] = waiting(batch)
    assert row.task_id == task_ids(batch)[0]
    assert (row.reason, row.confidence, row.proposal) == ("uncertain", 0.5, {"label": "cat"})
    assert (row.created_at, row.decided_at, row.value) == (LATER, None, None)


def test_the_least_certain_come_first_and_no_more_than_the_limit():
    batch = disputed(3)
    for task, confidence in zip(task_ids(batch), [0.5, 0.3, 0.4], strict=True):
        Consensus.objects.filter(task=task).update(confidence=confidence)

    assert review.queue_due(now=LATER, limit=2) == 2
    assert [row.confidence for row in waiting(batch)] == [0.3, 0.4]


def test_a_second_run_puts_nothing_up_twice():
    disputed()

    assert [review.queue_due(now=LATER) for _ in range(2)] == [1, 0]
    assert Review.objects.count() == 1


@pytest.mark.parametrize("what", ["not combined", "not looked at", "open again"])
def test_a_task_that_may_still_change_is_not_put_up(what):
    batch = disputed()
    [task] = task_ids(batch)
    if what == "not combined":
        Assignment.objects.filter(task=task).update(aggregated_at=None)
    elif what == "not looked at":
        Batch.objects.update(decided_through=NOON - HOUR)
    else:
        Task.objects.update(overlap=3, remaining_overlap=1, is_open=True)

    assert review.queue_due(now=LATER) == 0


def test_an_active_assignment_keeps_its_task_from_review():
    batch = adaptive(tasks=1, overlap=3, overlap_max=3)
    for label in "cat", "dog":
        say(batch, a_worker(), label)
    combine(batch)
    redundancy.decide_batch(batch=batch, now=NOON)
    claim(batch)  # the tie calls for a third answer
    assert slots(batch) == [0]

    assert review.queue_due(now=LATER) == 0


def test_a_closing_batch_needs_no_last_look():
    batch = disputed()
    Batch.objects.update(decided_through=None, status="closing")

    assert review.queue_due(now=LATER) == 1
    assert fresh(batch).status == "closing"


def test_a_batch_that_closed_between_two_runs_is_looked_through_once_more():
    disputed()
    Batch.objects.update(status="closed", closed_at=NOON)

    assert review.queue_due(now=NOON + 25 * HOUR) == 0
    assert review.queue_due(now=LATER) == 1


def test_a_fixed_batch_is_put_up_only_when_somebody_asks():
    batch = disputed(make=fixed)

    assert review.queue_due(now=LATER) == 0
    assert put_up(batch)[0].reason == "requested"
    assert said("reviews_requested", batch) == [{"count": 1}]


def test_a_request_takes_what_is_less_certain_than_asked():
    batch = answered(("cat", "dog"), ("cat", "cat"), make=fixed)

    def ask(below):
        return review.request(batch=batch, below=below, limit=9, actor=owner(batch), now=NOON)

    assert [ask(0.5), ask(0.51), ask(0.51)] == [0, 1, 0]


def test_a_named_task_is_put_up_whatever_its_confidence_and_again_after_a_decision():
    batch = answered(("cat", "cat"), make=fixed)
    [task] = task_ids(batch)
    ask = partial(
        review.request_named, batch=batch, tasks=[task, task], actor=owner(batch), now=NOON
    )

    assert [ask(), ask()] == [1, 0]
    fix(waiting(batch)[0], "dog")
    assert ask() == 1
    accept(waiting(batch)[0])

    history = list(Review.objects.order_by("pk").values_list("status", "proposal", "value"))
    assert history == [
        ("fixed", {"label": "cat"}, {"label": "dog"}),
        ("accepted", {"label": "dog"}, {"label": "dog"}),
    ]


def test_a_task_without_consensus_or_of_another_batch_cannot_be_named():
    batch, other = fixed(tasks=1), answered(("cat", "cat"), make=fixed)

    for tasks in task_ids(batch), task_ids(other):
        with pytest.raises(IllegalTransition, match="have a consensus"):
            review.request_named(batch=batch, tasks=tasks, actor=owner(batch), now=NOON)
    assert not Review.objects.exists()


def test_a_review_that_later_answers_settled_is_overtaken():
    batch = disputed()
    review.queue_due(now=NOON)
    Consensus.objects.update(confidence=0.97)

    assert review.queue_due(now=LATER) == 0

    row = Review.objects.get()
    assert (row.status, row.decided_at, row.reviewer) == ("overtaken", LATER, None)
    assert consensus_of(task_ids(batch)[0]).source == "crowd"


def test_who_asked_for_a_review_keeps_it():
    row = a_review()
    Consensus.objects.update(confidence=0.97)

    review.queue_due(now=LATER)

    assert fresh(row).status == "waiting"


# Decisions.


def test_accepting_keeps_the_consensus_of_this_moment_for_good():
    row = a_review()
    Consensus.objects.update(value="dog")  # answers came after it was put up

    accept(row, note="Whiskers.")

    kept = fresh(row)
    assert (kept.status, kept.value, kept.note) == ("accepted", {"label": "dog"}, "Whiskers.")
    assert (kept.reviewer, kept.decided_at) == (owner(row.batch), LATER)
    found = consensus_of(row.task_id)
    assert (found.value, found.confidence, found.source, found.method) == (
        "dog", 1, "review", "review",
    )  # fmt: skip
    assert (found.is_calibrated, found.raw_confidence, found.answers) == (False, 0.5, 2)
    assert said("review_decided", row.batch) == [
        {"review": row.pk, "task": row.task_id, "status": "accepted"}
    ]
    assert broken(now=NOON) == []


def test_fixing_replaces_the_consensus_and_aggregation_leaves_it():
    row = a_review()

    fix(row, "dog")
    aggregate.aggregate(batch=row.batch, now=LATER)

    assert consensus_of(row.task_id).value == "dog"
    assert fresh(row).value == {"label": "dog"}
    assert broken(now=NOON) == []


def test_a_rejected_answer_does_not_undo_a_decision():
    row = a_review()
    fix(row, "dog")
    answer = Assignment.objects.filter(task=row.task_id).select_related("batch").first()

    refuse(assignment=answer, actor=owner(row.batch), now=LATER)
    aggregate.aggregate(batch=row.batch, now=LATER)

    assert consensus_of(row.task_id).value == "dog"
    assert broken(now=NOON) == []


def test_a_fix_must_fit_the_interface():
    row = a_review()

    with pytest.raises(InvalidAnswer):
        fix(row, "bird")

    assert fresh(row).status == "waiting"


def test_what_has_lost_its_consensus_can_be_fixed_and_not_accepted():
    row = a_review()
    Consensus.objects.all().delete()

    with pytest.raises(IllegalTransition, match="no consensus"):
        accept(row)
    fix(row, "dog")

    found = consensus_of(row.task_id)
    assert (found.value, found.raw_confidence) == ("dog", None)


def test_an_optional_element_that_the_decision_leaves_out_has_no_consensus():
    row = a_review()
    Consensus.objects.create(
        task=row.task, name="note", value="?", confidence=1, method="m", answers=1,
        aggregated_at=NOON,
    )  # fmt: skip

    fix(row, "dog")

    assert list(Consensus.objects.values_list("name", flat=True)) == ["label"]
    assert broken(now=NOON) == []


@pytest.mark.parametrize("again", [accept, partial(fix, value="dog"), send_back])
def test_a_decision_is_made_once(again):
    row = a_review()
    fix(row, "cat")

    with pytest.raises(IllegalTransition, match="decided already"):
        again(row)

    assert fresh(row).value == {"label": "cat"}


def test_a_decided_review_can_neither_be_changed_nor_removed():
    row = a_review()
    accept(row)

    for change in (
        partial(Review.objects.update, note="else"),
        partial(Review.objects.filter(pk=row.pk).delete),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


# Skill.


def test_a_decision_scores_everybody_who_answered():
    batch = answered(("cat", "dog"), ("cat", "dog"), make=fixed)
    first, second = put_up(batch)
    fix(first, "dog")
    accept(second)  # a tie goes to cat

    one, other = (each.worker for each in Assignment.objects.filter(task=first.task_id))
    scores = {each.worker: each for each in Skill.objects.filter(source=Skill.Source.REVIEW)}
    assert scores.keys() == {one, other}
    for score in scores.values():
        assert (score.estimate, score.low, score.high, score.answers) == estimate(1, 2)


def test_of_two_decisions_on_a_task_the_last_counts():
    row = a_review()
    fix(row, "cat")
    review.request_named(batch=row.batch, tasks=[row.task_id], actor=owner(row.batch), now=LATER)
    fix(waiting(row.batch)[0], "dog")

    right = {
        given.answer.value["label"]: Skill.objects.get(worker=given.worker, source="review")
        for given in Assignment.objects.filter(task=row.task_id)
    }
    assert right["dog"].estimate == estimate(1, 1).estimate
    assert right["cat"].estimate == estimate(0, 1).estimate


def test_scoring_again_changes_nothing():
    row = a_review()
    fix(row, "cat")
    before = list(Skill.objects.filter(source="review").order_by("pk").values("estimate"))

    again = quality.score_by_review(project_id=row.batch.project_id, tasks=[row.task_id], now=LATER)

    assert again == 2
    assert list(Skill.objects.filter(source="review").order_by("pk").values("estimate")) == before


# At once.


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_wins():
    row = a_review()
    funded(row.batch, 600)

    outcomes = at_once(
        [partial(accept, row), partial(fix, row, "dog"), partial(send_back, row)] * 2
    )

    refused = [each for each in outcomes if isinstance(each, IllegalTransition)]
    assert len(refused) == 5
    assert broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_put_each_task_up_once():
    batch = disputed(10)

    outcomes = at_once([partial(review.queue_due, now=LATER)] * 4)

    assert sum(outcomes) == len(waiting(batch)) == 10


def test_two_accounts_of_one_person_are_scored_each():
    row = a_review()
    one, other = (each.worker for each in Assignment.objects.filter(task=row.task_id))
    link(one, other)

    accept(row)

    assert Skill.objects.filter(source=Skill.Source.REVIEW).count() == 2
