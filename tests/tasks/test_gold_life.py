"""Gold is made of reviewed tasks, watched, and retired."""

from __future__ import annotations

from functools import partial

import pytest

from payments.errors import InsufficientFunds
from tasks import answer, distribute, quality, settle
from tasks.control import gold
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Cursor, Gold, Task
from tasks.reviews import review
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    always_gold,
    claim,
    drafted_batch,
    fresh,
    published_batch,
)
from tests.payments.books import at_once
from tests.tasks.reviewing import (
    LATER,
    answered,
    disputed,
    fixed,
    funded,
    owner,
    put_up,
    said,
    task_ids,
)
from workers.models import Skill

pytestmark = pytest.mark.django_db
Retired = Gold.Retired


def settled(*labels, gold_rate=0.5, **fields):
    """A fixed batch with a review fixed to each of ``labels``, and money for gold."""
    batch = disputed(len(labels), make=fixed, gold_rate=gold_rate, **fields)
    funded(batch, 10_000)
    for row, label in zip(put_up(batch), labels, strict=True):
        review.fix(review=row, value=label, reviewer=owner(batch), now=NOON)
    return batch


def reviews(batch):
    return list(batch.reviews.order_by("pk"))


def promote(row, **how):
    return gold.promote(review=row, draw=lambda bits: 7, actor=owner(row.batch), now=LATER, **how)


def promote_drawn(batch, count):
    return gold.promote_drawn(
        batch=batch, count=count, draw=lambda bits: 7, actor=owner(batch), now=LATER
    )


def retire(row, why=Retired.WITHDRAWN):
    gold.retire(gold=row, why=why, now=LATER, actor=None)


# Made of reviews.


def test_a_settled_review_becomes_a_gold_task_of_its_own():
    batch = settled("dog")
    [row] = reviews(batch)

    made = promote(row, explanation="It barks.")

    assert (made.answer, made.source, made.origin_id) == ({"label": "dog"}, "review", row.task_id)
    assert (made.explanation, made.retired_at) == ("It barks.", None)
    assert fresh(row).gold == made
    copy = Task.objects.get(pk=made.pk)
    assert (copy.lane, copy.batch, copy.input.data) == (2, batch, row.task.input.data)
    assert copy.remaining_overlap == 2  # as many as the task's own two answers, at a rate of ½
    assert fresh(batch).gold_count == 1
    assert said("gold_promoted", batch) == [{"promoted": [{"review": row.pk, "gold": made.pk}]}]
    assert broken(now=NOON) == []


def test_promoted_gold_is_claimed_and_counts_for_who_had_not_met_the_original():
    batch = settled("dog", "dog")
    knower = Assignment.objects.filter(batch=batch).first().worker
    made = promote(reviews(batch)[0])
    stranger = a_worker()
    Cursor.objects.create(batch=batch, worker=stranger, pseudonym="W0", gold_position=0)
    for worker in knower, stranger:
        given = Assignment.objects.create(
            batch=batch, task=made.task, worker=worker, person_id=worker.user.person_id,
            is_gold=True, reward_minor=5, fee_minor=1, claimed_at=NOON,
            deadline_at=NOON + HOUR,
        )  # fmt: skip
        answer.submit(assignment_id=given.pk, worker=worker, answer="dog", now=NOON)

    quality.score_by_gold(project_id=batch.project_id, now=LATER)

    known = Skill.objects.filter(source=Skill.Source.GOLD)
    assert [each.worker for each in known] == [stranger]


def test_only_a_settled_review_becomes_gold_and_once():
    batch = disputed(make=fixed)
    funded(batch, 1_000)
    [row] = put_up(batch)
    with pytest.raises(IllegalTransition, match="accepted or fixed"):
        promote(row)
    review.accept(review=row, reviewer=owner(batch), now=NOON)
    promote(fresh(row))

    with pytest.raises(IllegalTransition, match="once"):
        promote(fresh(row))

    assert fresh(batch).gold_count == 1


def test_gold_that_nobody_can_pay_is_not_made():
    batch = disputed(make=fixed, gold_rate=0.5)
    [row] = put_up(batch)
    review.accept(review=row, reviewer=owner(batch), now=NOON)

    with pytest.raises(InsufficientFunds):
        promote(row)

    assert not Gold.objects.exists()
    assert fresh(row).gold is None


def test_what_a_closing_batch_knows_goes_into_another_of_the_same_version():
    batch = settled("dog")
    other = drafted_batch(project=batch.project, gold_rate=0.5)
    Batch.objects.filter(pk=batch.pk).update(status="closing")
    [row] = reviews(batch)
    with pytest.raises(IllegalTransition, match="closing"):
        promote(row)

    made = promote(row, into=other)

    assert made.task.batch == other
    assert (fresh(other).gold_count, made.task.overlap) == (1, 0)  # a draft is funded later
    assert broken(now=NOON) == []


def test_another_project_asks_something_else():
    batch = settled("dog")

    with pytest.raises(IllegalTransition, match="same project"):
        promote(reviews(batch)[0], into=drafted_batch(project=a_project()))


def test_rare_answers_are_drawn_first_and_paid_for_together():
    batch = settled("cat", "cat", "cat", "dog")

    assert promote_drawn(batch, 2) == 2

    labels = [row.answer["label"] for row in Gold.objects.order_by("pk")]
    assert sorted(labels) == ["cat", "dog"]
    # Eight ordinary answers at a rate of ½: eight gold ones, four each, and not sixteen.
    overlaps = Task.objects.filter(lane=2).values_list("overlap", flat=True)
    assert list(overlaps) == [4, 4]
    assert broken(now=NOON) == []


def test_what_is_gold_already_is_not_drawn_again():
    batch = settled("cat", "dog")

    assert [promote_drawn(batch, 9), promote_drawn(batch, 9)] == [2, 0]
    assert fresh(batch).gold_count == 2


def test_gold_in_use_counts_when_labels_are_balanced():
    batch = settled("cat", "dog", "dog")
    promote(next(row for row in reviews(batch) if row.value == {"label": "dog"}))

    promote_drawn(batch, 1)

    assert sorted(row.answer["label"] for row in Gold.objects.all()) == ["cat", "dog"]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_promote_one_review_at_once_one_does():
    batch = settled("dog")
    [row] = reviews(batch)

    outcomes = at_once([partial(promote, row)] * 4)

    assert sum(isinstance(each, IllegalTransition) for each in outcomes) == 3
    assert fresh(batch).gold_count == Gold.objects.count() == 1
    assert broken(now=NOON) == []


# Retired.


def golden(gold_tasks=3, tasks=10, **fields):
    return published_batch(
        **{"tasks": tasks, "gold": gold_tasks, "gold_rate": 0.5, "overlap": 3, **fields}
    )


def answer_gold(batch, worker, label, *, now=NOON):
    """Answer every gold task the worker gets, and leave the others."""
    handout = distribute.claim(
        batch_id=batch.pk, worker=worker, count=20, now=now, draw=always_gold
    )
    for given in handout.assignments:
        if Assignment.objects.get(pk=given.id).is_gold:
            answer.submit(assignment_id=given.id, worker=worker, answer=label, now=now + MINUTE)
        else:
            answer.skip(assignment=Assignment.objects.get(pk=given.id), now=now)


def test_retired_gold_is_asked_no_more_and_its_money_is_free():
    batch = golden(gold_tasks=1)
    held = fresh(batch).reserved
    row = Gold.objects.get()
    under_way = claim(batch, gold=True)

    retire(row)

    assert (fresh(row).retired_at, fresh(row).retired_for) == (LATER, "withdrawn")
    task = Task.objects.get(pk=row.pk)
    assert (task.is_open, task.overlap) == (False, int(under_way.is_gold))
    assert fresh(batch).gold_retired == 1
    assert fresh(batch).reserved < held
    assert not claim(batch, gold=True).is_gold
    assert broken(now=NOON) == []


def test_what_is_under_way_is_still_taken_and_paid():
    batch, worker = golden(gold_tasks=1), a_worker()
    claim(batch, worker)
    held = claim(batch, worker, gold=True)
    assert held.is_gold
    retire(Gold.objects.get())

    answer.submit(assignment_id=held.pk, worker=worker, answer="cat", now=NOON)
    settle.accept(assignment=fresh(held), actor=owner(batch), now=NOON)

    assert settle.pay_accepted(now=LATER) == 1
    assert broken(now=NOON) == []


def test_gold_is_retired_once():
    golden(gold_tasks=1)
    row = Gold.objects.get()
    retire(row)

    with pytest.raises(IllegalTransition, match="retired already"):
        retire(row)

    assert Batch.objects.get().gold_retired == 1


def test_gold_of_a_draft_is_retired_without_money():
    batch = drafted_batch(tasks=2, gold=1)

    retire(Gold.objects.get())

    assert fresh(batch).gold_retired == 1
    assert broken(now=NOON) == []


@pytest.mark.parametrize(
    ("why", "still_counts"),
    [(Retired.DISPUTED, 0), (Retired.WITHDRAWN, 0), (Retired.LEAKED, 1), (Retired.ROTATED, 1)],
)
def test_gold_that_was_wrong_stops_counting_and_used_up_gold_does_not(why, still_counts):
    batch, worker = golden(gold_tasks=1), a_worker()
    claim(batch, worker)
    answer_gold(batch, worker, "cat")
    quality.score_by_gold(project_id=batch.project_id, now=NOON)
    assert Skill.objects.filter(source="gold").count() == 1

    retire(Gold.objects.get(), why)

    quality.score_by_gold(project_id=batch.project_id, now=LATER)
    assert Skill.objects.filter(source="gold").count() == still_counts


@pytest.mark.django_db(transaction=True)
def test_of_many_who_retire_at_once_one_does():
    batch = golden()
    row = Gold.objects.first()

    outcomes = at_once([partial(retire, row)] * 4)

    assert sum(isinstance(each, IllegalTransition) for each in outcomes) == 3
    assert fresh(batch).gold_retired == 1
    assert broken(now=NOON) == []


def test_an_answered_batch_goes_from_doubt_to_gold_to_skill():
    batch = answered(("cat", "dog"), ("cat", "cat"), make=fixed, gold_rate=0.5)
    funded(batch, 1_000)
    [row] = put_up(batch)
    review.fix(review=row, value="dog", reviewer=owner(batch), now=NOON)
    made = promote(fresh(row))
    assert task_ids(batch)[-1] == made.pk

    retire(made, Retired.ROTATED)

    assert broken(now=NOON) == []
