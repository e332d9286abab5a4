"""Gold is judged by its answers, and what is unfit is retired by a job."""

from __future__ import annotations

from functools import partial

import pytest

from tasks import quality
from tasks.control import gold
from tasks.control.gold_records import FIT_ANSWERS_MAX, label_of, records_of
from tasks.invariants import broken
from tasks.models import Answer, Assignment, Batch, Gold, Task
from tests.factories import HOUR, MINUTE, NOON, a_project, a_worker, fresh, published_batch
from tests.payments.books import at_once
from tests.tasks.reviewing import said
from workers import skills
from workers.models import Skill

pytestmark = pytest.mark.django_db
SOON = NOON + 10 * MINUTE
BOX = {"x": 0.1, "y": 0.1, "width": 0.4, "height": 0.4}
BOXES = [{"type": "boxes", "name": "boxes", "of": "${image}", "labels": ["cat"]}]


def golden(gold_tasks=3, tasks=20, **fields):
    return published_batch(
        **{"tasks": tasks, "gold": gold_tasks, "gold_rate": 0.5, "overlap": 20, **fields}
    )


def golds(batch):
    return list(Gold.objects.filter(task__batch=batch).order_by("pk"))


def give(batch, task, worker, value, *, at=NOON, seconds=60.0, is_gold=True):
    """One answer, without the walk through claims: slot, assignment and answer."""
    Task.objects.filter(pk=task).update(
        remaining_overlap=Task.objects.get(pk=task).remaining_overlap - 1
    )
    given = Assignment.objects.create(
        batch=batch, task_id=task, worker=worker, person_id=worker.user.person_id,
        status="submitted", is_gold=is_gold, reward_minor=5, fee_minor=1, claimed_at=at,
        deadline_at=at + HOUR, submitted_at=at + seconds / 60 * MINUTE, accept_due_at=at + HOUR,
    )  # fmt: skip
    Answer.objects.create(assignment=given, value=value, sha256=b"", created_at=at)
    return given


def known_as(batch, worker, right, answers):
    """Record how often the worker agrees with the crowd."""
    skills.record(
        project_id=batch.project_id,
        source=Skill.Source.FIT,
        estimates={worker.pk: quality.estimate(right, answers)},
        now=NOON,
    )


def crowd(batch, count, *, right=95, answers=100):
    """Workers of whom the crowd thinks well."""
    made = [a_worker() for _ in range(count)]
    for worker in made:
        known_as(batch, worker, right, answers)
    return made


def status_of(batch):
    return [row.retired_for for row in golds(batch)]


# Records.


def test_a_record_has_the_answers_in_the_order_of_time_and_the_active_workers():
    batch = golden(gold_tasks=1)
    [row] = golds(batch)
    first, second, third = crowd(batch, 3)
    give(batch, row.pk, second, {"label": "dog"}, at=NOON + MINUTE)
    give(batch, row.pk, first, {"label": "cat"}, at=NOON)
    ordinary = Task.objects.filter(batch=batch, lane=1).first()
    give(batch, ordinary.pk, third, {"label": "cat"}, is_gold=False)

    [record] = records_of(batch).values()

    assert [(each.worker, each.right, each.label) for each in record.answers] == [
        (first.pk, True, "cat"),
        (second.pk, False, "dog"),
    ]
    assert record.active_workers == 3


def test_a_skill_is_of_the_other_gold_and_of_agreement_with_the_crowd():
    batch = golden(gold_tasks=3)
    worker = a_worker()
    known_as(batch, worker, 60, 80)
    for row, label in zip(golds(batch), ["cat", "cat", "dog"], strict=True):
        give(batch, row.pk, worker, {"label": label})

    found = [record.answers[0].skill for record in records_of(batch).values()]

    fit = FIT_ANSWERS_MAX * quality.estimate(60, 80).estimate
    one_of_two, two_of_two = ((right + fit + 0.5) / (2 + FIT_ANSWERS_MAX + 1) for right in (1, 2))
    assert found == pytest.approx([one_of_two, one_of_two, two_of_two])


def test_of_a_stranger_nothing_is_known():
    batch = golden(gold_tasks=1)
    give(batch, golds(batch)[0].pk, a_worker(), {"label": "cat"})

    [record] = records_of(batch).values()

    assert record.answers[0].skill == 0.5


def test_times_are_from_the_answer_before_and_usual_is_the_median_of_other_tasks():
    batch, worker = golden(gold_tasks=1), a_worker()
    ordinary = list(Task.objects.filter(batch=batch, lane=1).order_by("pk")[:3])
    for task, seconds in zip(ordinary, [10, 30, 90], strict=True):
        give(batch, task.pk, worker, {"label": "cat"}, seconds=seconds, is_gold=False)
    give(batch, golds(batch)[0].pk, worker, {"label": "cat"}, seconds=95)

    [record] = records_of(batch).values()

    # All claimed at noon: 10, 20 and 60 seconds each, then 5 for gold.
    assert (record.answers[0].seconds, record.answers[0].usual_seconds) == (5, 20)


def test_a_box_that_is_nearly_the_known_one_is_right_and_has_no_label():
    known = {"boxes": [{**BOX, "label": "cat"}]}
    batch = golden(gold_tasks=0, project=a_project(interface=BOXES))
    task = Task.objects.filter(batch=batch).first()
    Task.objects.filter(pk=task.pk).update(lane=2)
    Gold.objects.create(task=task, answer=known)
    near, far = ({"boxes": [{**BOX, "x": x, "label": "cat"}]} for x in (0.11, 0.6))
    give(batch, task.pk, a_worker(), near)
    give(batch, task.pk, a_worker(), far)

    [record] = records_of(batch).values()

    assert [(each.right, each.label) for each in record.answers] == [(True, ""), (False, "")]
    quality.score_by_gold(project_id=batch.project_id, now=NOON)
    scores = (
        Skill.objects.filter(source="gold").order_by("worker").values_list("estimate", flat=True)
    )
    assert list(scores) == [0.75, 0.25]


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"label": "cat"}, "cat"),
        ({"label": "cat", "other": 3}, "cat"),
        ({"label": ["b", "a"]}, '["b", "a"]'),
        ({}, "null"),
    ],
)
def test_a_label_is_what_was_said_of_the_known_element(said, label):
    assert label_of(said, {"label": "x"}, {"label": "choice"}) == label


# Verdicts.


def test_gold_that_good_workers_dispute_is_retired_and_the_log_says_why():
    batch = golden()
    disputed = golds(batch)[0]
    for worker in crowd(batch, 6):
        give(batch, disputed.pk, worker, {"label": "dog"})
    assert quality.score_by_gold(project_id=batch.project_id, now=NOON) == 6

    assert [gold.check_gold(now=SOON) for _ in range(2)] == [1, 0]

    assert status_of(batch) == ["disputed", "", ""]
    [data] = said("gold_retired", batch)
    assert (data["task"], data["retired_for"]) == (disputed.pk, "disputed")
    assert data["why"] == "6 of 6 good workers miss it, and 6 of them answer 'dog'."
    assert data["figures"]["wrong"] == 6
    assert not Skill.objects.filter(source="gold").exists()
    assert fresh(batch).gold_retired == 1


def test_gold_that_everybody_suddenly_knows_is_retired_as_leaked():
    batch = golden(gold_tasks=1)
    [row] = golds(batch)
    labels = ["dog"] * 9 + ["cat"] + ["cat"] * 10
    for number, label in enumerate(labels):
        worker = a_worker()
        known_as(batch, worker, 30, 100)
        give(batch, row.pk, worker, {"label": label}, at=NOON + number * MINUTE / 10)

    gold.check_gold(now=SOON)

    assert status_of(batch) == ["leaked"]


def test_gold_that_most_have_met_is_rotated_but_a_third_is_kept():
    batch = golden(gold_tasks=4)
    for worker in crowd(batch, 6):
        for row in golds(batch):
            give(batch, row.pk, worker, {"label": "cat"})

    assert gold.check_gold(now=SOON) == 2

    # Four gold tasks: two stay (a third is 1.3), those with the higher ids, as all are met alike.
    assert status_of(batch) == ["rotated", "rotated", "", ""]
    assert gold.check_gold(now=SOON) == 0


def test_the_last_gold_is_not_rotated():
    batch = golden(gold_tasks=1)
    for worker in crowd(batch, 6):
        give(batch, golds(batch)[0].pk, worker, {"label": "cat"})

    assert gold.check_gold(now=SOON) == 0


def test_gold_nobody_has_answered_lately_is_left_alone():
    batch = golden()
    for worker in crowd(batch, 6):
        give(batch, golds(batch)[0].pk, worker, {"label": "dog"})

    assert gold.check_gold(now=NOON + 2 * HOUR) == 0
    Batch.objects.update(status="closed", closed_at=NOON)
    assert gold.check_gold(now=SOON) == 0


def test_fit_gold_stays():
    batch = golden()
    for worker in crowd(batch, 3):
        give(batch, golds(batch)[0].pk, worker, {"label": "cat"})

    assert gold.check_gold(now=SOON) == 0
    assert status_of(batch) == ["", "", ""]


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_retire_each_gold_once():
    batch = golden()
    for worker in crowd(batch, 6):
        give(batch, golds(batch)[0].pk, worker, {"label": "dog"})

    outcomes = at_once([partial(gold.check_gold, now=SOON)] * 4)

    assert sum(outcomes) == 1
    assert fresh(batch).gold_retired == 1
    assert {each.name for each in broken(now=SOON)} <= {"answers are as they were given"}
