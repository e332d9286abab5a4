from __future__ import annotations

import pytest

from tasks import aggregate, distribute
from tasks import answer as answers
from tasks.aggregation.skill import estimate
from tasks.models import Consensus, Task
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_worker,
    always_gold,
    published_batch,
    submitted,
)
from tests.tasks.combining import LATER, THREE, consensus, majority_batch, work
from workers.models import Skill

pytestmark = pytest.mark.django_db


# By crowd-kit: imported by this module alone, because it takes seconds.


def a_crowd(**fields):
    """Three who know cats (the even numbers) from dogs, and one who says the opposite."""
    batch = published_batch(**{"tasks": 8, "overlap": 4, **fields})
    workers = [a_worker() for _ in range(4)]
    for worker in workers[:3]:
        work(batch, worker, lambda number: ["cat", "dog"][number % 2])
    work(batch, workers[3], lambda number: ["dog", "cat"][number % 2])
    return batch, workers


def test_dawid_and_skene_find_the_truth_and_who_does_not_tell_it():
    batch, workers = a_crowd(aggregation="dawid_skene")

    aggregate.aggregate_due(now=LATER)

    rows = Consensus.objects.filter(task__batch=batch).order_by("task")
    assert [row.value for row in rows] == ["cat", "dog"] * 4
    assert {(row.method, row.answers) for row in rows} == {("dawid_skene", 4)}
    assert min(row.confidence for row in rows) > 0.99
    skills = {
        skill.worker_id: skill.estimate
        for skill in Skill.objects.filter(source=Skill.Source.FIT, project_id=batch.project_id)
    }
    assert all(skills[worker.pk] == estimate(8, 8).estimate for worker in workers[:3])
    assert skills[workers[3].pk] == estimate(0, 8).estimate


def test_a_single_answer_is_no_reason_to_fail():
    batch = published_batch(tasks=1, aggregation="dawid_skene")
    submitted(batch)

    aggregate.aggregate_due(now=LATER)

    assert consensus(batch) == [("cat", 1.0, 1)]


@pytest.mark.parametrize("method", ["kos", "gold_majority_vote"])
def test_a_method_that_cannot_work_gives_way_to_the_majority_and_says_so(method):
    project = a_project(interface=THREE)
    batch = published_batch(tasks=3, overlap=3, aggregation=method, project=project)
    for shift in range(3):
        work(batch, a_worker(), lambda number, shift=shift: ["cat", "dog", "bird"][number - shift])

    aggregate.aggregate_due(now=LATER)

    assert {row.method for row in Consensus.objects.all()} == {"majority_vote"}
    assert consensus(batch) == [("bird", 1 / 3, 3)] * 3


def test_gold_weighs_the_votes_where_it_was_answered():
    batch = published_batch(
        tasks=1, gold=4, overlap=3, gold_rate=0.5, aggregation="gold_majority_vote"
    )
    wise, *fools = a_worker(), a_worker(), a_worker()
    gold = set(Task.objects.filter(batch=batch, lane=2).values_list("pk", flat=True))
    Task.objects.filter(pk__in=gold).update(overlap=3, remaining_overlap=3)
    for worker in wise, *fools:
        handout = distribute.claim(
            batch_id=batch.pk, worker=worker, count=5, now=NOON, draw=always_gold
        )
        for each in handout.assignments:
            right = worker == wise
            said = "cat" if right == (each.task_id in gold) else "dog"
            answers.submit(assignment_id=each.id, worker=worker, answer=said, now=NOON)

    aggregate.aggregate_due(now=LATER)

    [ordinary] = Consensus.objects.exclude(task__in=gold)
    assert (ordinary.value, ordinary.method) == ("dog", "gold_majority_vote")


def test_a_multiple_choice_is_fitted_option_by_option():
    interface = [{"type": "choice", "name": "seen", "options": ["cat", "dog"], "multiple": True}]
    batch, workers = (
        published_batch(
            tasks=8, overlap=3, aggregation="dawid_skene", project=a_project(interface=interface)
        ),
        [a_worker() for _ in range(3)],
    )
    for worker in workers:
        work(batch, worker, lambda number: [["cat"], ["dog"]][number % 2])

    aggregate.aggregate_due(now=LATER)

    rows = Consensus.objects.filter(task__batch=batch).order_by("task")
    assert [row.value for row in rows] == [["cat"], ["dog"]] * 4
    assert {row.method for row in rows} == {"dawid_skene"}


def test_texts_may_be_aligned_word_by_word_and_workers_judged_by_what_came_of_it():
    interface = [{"type": "text", "name": "said"}]
    batch = published_batch(
        tasks=1, overlap=3, aggregation="rover", project=a_project(interface=interface)
    )
    workers = [a_worker() for _ in range(3)]
    for worker, said in zip(workers, ["the cat sat", "the cat sat", "a cat"], strict=True):
        work(batch, worker, lambda number, said=said: said)

    aggregate.aggregate_due(now=LATER)

    row = Consensus.objects.get()
    assert (row.value, row.method) == ("the cat sat", "rover")
    right = [Skill.objects.get(worker=worker, source="fit").estimate for worker in workers]
    assert right == [estimate(1, 1).estimate, estimate(1, 1).estimate, estimate(0, 1).estimate]


# What answers say about workers.


def test_agreement_and_gold_are_kept_as_two_skills():
    batch = majority_batch(tasks=3, gold=1, gold_rate=0.5)
    one, other = a_worker(), a_worker()
    work(batch, one, lambda number: "cat", count=4, gold=True)
    work(batch, other, lambda number: "dog" if number == 0 else "cat", count=4, gold=True)

    aggregate.aggregate_due(now=LATER)

    skills = {
        (skill.worker, skill.source): (skill.estimate, skill.answers)
        for skill in Skill.objects.filter(project_id=batch.project_id)
    }
    assert {source for _, source in skills} == {"fit", "gold"}
    # The gold is a cat and bears the number 0 as well, so the other one was wrong about it.
    assert skills[one, "gold"] == (estimate(1, 1).estimate, 1)
    assert skills[other, "gold"] == (estimate(0, 1).estimate, 1)
    assert skills[one, "fit"] == skills[other, "fit"] == (estimate(2, 4).estimate, 4)


def test_skills_are_estimated_anew_with_every_run():
    batch = majority_batch(tasks=2)
    one, other = a_worker(), a_worker()
    for worker in one, other:
        submitted(batch, worker=worker)
    aggregate.aggregate_due(now=LATER)
    for worker in one, other:
        submitted(batch, worker=worker)

    aggregate.aggregate_due(now=LATER + HOUR)

    skill = Skill.objects.get(worker=one, source=Skill.Source.FIT)
    assert (skill.answers, skill.estimated_at) == (2, LATER + HOUR)
    assert (skill.estimate, skill.low, skill.high) == estimate(2, 2)[:3]
