"""Step 4: answers become a consensus, and say how good their workers are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from tasks import aggregate, distribute, settle
from tasks import answer as answers
from tasks.aggregation.skill import estimate
from tasks.models import Assignment, Consensus, Task
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_worker,
    always_gold,
    claim,
    drafted_batch,
    fresh,
    never_gold,
    published_batch,
    rejected,
    submitted,
)
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from workers.models import Skill

pytestmark = pytest.mark.django_db

LATER = NOON + HOUR
SECOND = timedelta(seconds=1)
THREE = [{"type": "choice", "name": "label", "options": ["cat", "dog", "bird"]}]


def majority_batch(**fields):
    return published_batch(**{"overlap": 3, "aggregation": "majority_vote", **fields})


def work(batch, worker, say, *, count=20, gold=False):
    """Claim all there is and answer ``say(number)`` to the task with that number."""
    handout = distribute.claim(
        batch_id=batch.pk,
        worker=worker,
        count=count,
        now=NOON,
        draw=always_gold if gold else never_gold,
    )
    for each in handout.assignments:
        number = int(each.input["image"].removesuffix(".png"))
        answers.submit(assignment_id=each.id, worker=worker, answer=say(number), now=NOON)


def consensus(batch):
    """By task, in their order: value, confidence, answers."""
    rows = Consensus.objects.filter(task__batch=batch).order_by("task", "name")
    return [(row.value, pytest.approx(row.confidence), row.answers) for row in rows]


# The consensus.


def test_answers_become_a_consensus_per_task():
    batch = majority_batch(tasks=2)
    for label in "cat", "dog", "cat", "dog":
        submitted(batch, label)

    assert aggregate.aggregate_due(now=LATER) == 1

    assert consensus(batch) == [("cat", 2 / 3, 3), ("dog", 1.0, 1)]
    row = Consensus.objects.first()
    assert (row.name, row.method, row.aggregated_at) == ("label", "majority_vote", LATER)
    assert set(Assignment.objects.values_list("aggregated_at", flat=True)) == {LATER}
    assert fresh(batch).aggregated_at == LATER


def test_a_new_answer_replaces_the_consensus():
    batch = majority_batch(tasks=1)
    submitted(batch, "dog")
    aggregate.aggregate_due(now=LATER)
    for label in "cat", "cat":
        submitted(batch, label)

    aggregate.aggregate_due(now=LATER + HOUR)

    assert consensus(batch) == [("cat", 2 / 3, 3)]
    assert Consensus.objects.get().aggregated_at == LATER + HOUR


def test_without_new_answers_nothing_is_computed():
    batch = majority_batch(tasks=1)
    claim(batch)
    assert aggregate.aggregate_due(now=LATER) == 0

    submitted(batch)
    assert aggregate.aggregate_due(now=LATER) == 1
    assert aggregate.aggregate_due(now=LATER + HOUR) == 0


def test_an_answer_that_was_accepted_before_it_was_aggregated_counts():
    batch = majority_batch(tasks=1, overlap=1)
    waiting = fresh(submitted(batch))
    settle.accept(assignment=waiting, actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    settle.wind_up(now=NOON)
    assert fresh(batch).status == "closed"

    assert aggregate.aggregate_due(now=LATER) == 1

    assert consensus(batch) == [("cat", 1.0, 1)]


def test_a_rejected_answer_does_not_count():
    batch = majority_batch(tasks=1)
    rejected(batch, "dog")
    submitted(batch, "cat")

    aggregate.aggregate_due(now=LATER)

    assert consensus(batch) == [("cat", 1.0, 1)]


def test_after_a_rejection_the_consensus_is_that_of_the_others():
    batch = majority_batch(tasks=1)
    first = [submitted(batch, label) for label in ("dog", "cat", "dog")]
    aggregate.aggregate_due(now=LATER)
    assert consensus(batch) == [("dog", 2 / 3, 3)]

    settle.reject(
        assignment=fresh(first[0]), reason="No.", actor=batch.project.requester, now=LATER
    )
    assert consensus(batch) == []
    aggregate.aggregate_due(now=LATER + HOUR)

    assert consensus(batch) == [("cat", 0.5, 2)]


def test_when_all_answers_to_a_task_are_rejected_it_has_no_consensus():
    batch = majority_batch(tasks=1)
    waiting = fresh(submitted(batch))
    aggregate.aggregate_due(now=LATER)

    settle.reject(assignment=waiting, reason="No.", actor=batch.project.requester, now=LATER)

    assert aggregate.aggregate_due(now=LATER + HOUR) == 0
    assert consensus(batch) == []


def test_gold_answers_are_aggregated_like_all_others():
    batch = majority_batch(tasks=1, gold=1, gold_rate=0.5)
    work(batch, a_worker(), lambda number: "dog", count=2, gold=True)

    aggregate.aggregate_due(now=LATER)

    assert [value for value, *_ in consensus(batch)] == ["dog", "dog"]


def test_each_element_has_a_consensus_of_its_own():
    interface = [
        {"type": "choice", "name": "seen", "options": ["cat", "dog", "bird"], "multiple": True},
        {"type": "text", "name": "note", "required": False},
    ]
    batch = majority_batch(tasks=1, project=a_project(interface=interface))
    for said in (
        {"seen": ["dog", "cat"], "note": "Two of them"},
        {"seen": ["cat", "dog"]},
        {"seen": ["cat"], "note": "two of them"},
    ):
        held = claim(batch)
        answers.submit(assignment_id=held.pk, worker=held.worker, answer=said, now=NOON)

    aggregate.aggregate_due(now=LATER)

    found = {row.name: (row.value, row.method, row.answers) for row in Consensus.objects.all()}
    assert found == {
        "seen": (["cat", "dog"], "majority_vote", 3),
        "note": ("Two of them", "text_majority", 2),
    }


def test_batches_are_aggregated_each_by_itself():
    one, other = majority_batch(tasks=1), majority_batch(tasks=1)
    submitted(one, "cat")
    submitted(other, "dog")
    quiet, draft = majority_batch(tasks=1), drafted_batch(tasks=1)

    assert aggregate.aggregate_due(now=LATER) == 2

    assert [consensus(batch) for batch in (one, other, quiet, draft)] == [
        [("cat", 1.0, 1)],
        [("dog", 1.0, 1)],
        [],
        [],
    ]


# When.


def test_a_batch_rests_for_four_seconds_after_it_was_aggregated():
    batch = majority_batch(tasks=1)
    submitted(batch)
    aggregate.aggregate_due(now=LATER)
    submitted(batch)

    assert aggregate.aggregate_due(now=LATER + 4 * SECOND - SECOND / 1000) == 0
    assert aggregate.aggregate_due(now=LATER + 4 * SECOND) == 1


def test_only_so_many_batches_are_aggregated_in_one_run():
    for _ in range(3):
        submitted(majority_batch(tasks=1))

    assert [aggregate.aggregate_due(now=LATER, limit=2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_while_one_run_has_a_batch_in_hand_another_leaves_it_alone():
    batch = majority_batch(tasks=1)
    submitted(batch)

    with locked("SELECT pg_advisory_lock(%s, %s)", aggregate.AGGREGATE, batch.pk):
        assert aggregate.aggregate_due(now=LATER) == 0
        assert not aggregate.aggregate(batch=batch, now=LATER)
    assert consensus(batch) == []
    assert fresh(batch).aggregated_at is None

    assert aggregate.aggregate_due(now=LATER) == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_while_a_run_computes_is_left_for_the_next():
    batch = majority_batch(tasks=1)
    submitted(batch, "dog")
    aggregate.aggregate_due(now=LATER)
    submitted(batch, "cat")

    with transaction.atomic():
        list(Consensus.objects.select_for_update())  # the run waits here with its result
        running = in_thread(lambda: aggregate.aggregate_due(now=LATER + HOUR))
        wait_for_a_lock()
        late = submitted(batch, "cat")
    running.join()

    assert consensus(batch) == [("cat", 0.5, 2)]
    assert fresh(late).aggregated_at is None
    assert aggregate.aggregate_due(now=LATER + 2 * HOUR) == 1
    assert consensus(batch) == [("cat", 2 / 3, 3)]


@pytest.mark.django_db(transaction=True)
def test_a_rejection_while_a_run_computes_is_not_forgotten():
    batch = majority_batch(tasks=1)
    wrong, _ = submitted(batch, "dog"), submitted(batch, "cat")
    aggregate.aggregate_due(now=LATER)
    submitted(batch, "dog")

    with transaction.atomic():
        list(Consensus.objects.select_for_update())  # the run waits here with its result
        running = in_thread(lambda: aggregate.aggregate_due(now=LATER + HOUR))
        wait_for_a_lock()
        settle.reject(
            assignment=fresh(wrong), reason="No.", actor=batch.project.requester, now=LATER
        )
    running.join()
    aggregate.aggregate_due(now=LATER + 2 * HOUR)

    assert consensus(batch) == [("cat", 0.5, 2)]


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
