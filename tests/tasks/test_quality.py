"""How often workers are right, and whose answers look like guesses."""

from __future__ import annotations

import json

import pytest

from tasks import answer, distribute, quality
from tasks.aggregation.skill import estimate
from tasks.models import Assignment, Gold
from tasks.quality import Suspect
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_worker,
    always_gold,
    published_batch,
    refuse,
    rows,
    submitted,
)
from workers import skills
from workers.models import Skill

pytestmark = pytest.mark.django_db

LATER = NOON + HOUR
SEEN = [
    {"type": "choice", "name": "seen", "options": ["cat", "dog", "bird"], "multiple": True},
    {"type": "text", "name": "note", "required": False},
]


def gold_batch(known, *, project=None, tasks=10):
    """A batch with one gold task per answer in ``known``."""
    gold = [row for said in known for row in rows(1, gold=json.dumps(said))]
    return published_batch(tasks=[*rows(tasks), *gold], gold_rate=0.5, overlap=5, project=project)


def take_gold(batch, worker, say):
    """Have the worker answer all gold, ``say(known)`` being what they say; return assignments."""
    handout = distribute.claim(
        batch_id=batch.pk, worker=worker, count=20, now=NOON, draw=always_gold
    )
    taken = []
    for each in handout.assignments:
        gold = Gold.objects.filter(task=each.task_id).first()
        if gold:
            said = say(gold.answer)
            answer.submit(assignment_id=each.id, worker=worker, answer=said, now=NOON)
            taken.append(each.id)
    return taken


def gold_skill(worker, project):
    skill = Skill.objects.get(worker=worker, project_id=project, source=Skill.Source.GOLD)
    return skill.estimate, skill.low, skill.high, skill.answers


# Gold.


def test_a_worker_is_scored_by_how_many_gold_answers_are_right():
    batch, worker = gold_batch([{"label": "cat"}, {"label": "cat"}, {"label": "dog"}]), a_worker()
    take_gold(batch, worker, lambda known: {"label": "cat"})

    assert quality.score_by_gold(project_id=batch.project_id, now=LATER) == 1

    assert gold_skill(worker, batch.project_id) == estimate(2, 3)
    assert Skill.objects.get().estimated_at == LATER


def test_only_those_who_answered_gold_are_scored():
    batch = gold_batch([{"label": "cat"}])
    submitted(batch)

    assert quality.score_by_gold(project_id=batch.project_id, now=LATER) == 0
    assert not Skill.objects.exists()


def test_gold_of_all_batches_of_a_project_counts_and_of_no_other():
    project = a_project()
    batches = [gold_batch([{"label": "cat"}], project=project) for _ in range(2)]
    other, worker = gold_batch([{"label": "dog"}]), a_worker()
    for batch in (*batches, other):
        take_gold(batch, worker, lambda known: {"label": "cat"})

    quality.score_by_gold(project_id=project.pk, now=LATER)

    assert gold_skill(worker, project.pk) == estimate(2, 2)
    assert Skill.objects.count() == 1


def test_a_rejected_gold_answer_still_says_something_about_its_worker():
    batch, worker = gold_batch([{"label": "cat"}]), a_worker()
    [taken] = take_gold(batch, worker, lambda known: {"label": "dog"})

    refuse(
        assignment=Assignment.objects.get(pk=taken),
        actor=batch.project.requester,
        now=NOON,
    )

    quality.score_by_gold(project_id=batch.project_id, now=LATER)

    assert gold_skill(worker, batch.project_id) == estimate(0, 1)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ({"seen": ["cat", "dog"]}, 1),
        ({"seen": ["dog", "cat"]}, 1),
        ({"seen": ["cat", "dog"], "note": "Both."}, 1),
        ({"seen": ["cat"]}, 0),
        ({"seen": ["cat", "dog", "bird"]}, 0),
        ({"seen": ["bird"]}, 0),
    ],
    ids=["same", "other order", "and a note", "one missing", "everything ticked", "another"],
)
def test_a_multiple_choice_is_right_when_all_of_it_is_and_nothing_else(said, right):
    batch = gold_batch([{"seen": ["cat", "dog"]}], project=a_project(interface=SEEN))
    worker = a_worker()
    take_gold(batch, worker, lambda known: said)

    quality.score_by_gold(project_id=batch.project_id, now=LATER)

    assert gold_skill(worker, batch.project_id) == estimate(right, 1)


def test_every_element_that_the_gold_names_must_be_right():
    batch = gold_batch([{"seen": ["cat"], "note": "Asleep."}], project=a_project(interface=SEEN))
    careful, hasty = a_worker(), a_worker()
    take_gold(batch, careful, lambda known: {"seen": ["cat"], "note": "Asleep."})
    take_gold(batch, hasty, lambda known: {"seen": ["cat"]})

    quality.score_by_gold(project_id=batch.project_id, now=LATER)

    assert gold_skill(careful, batch.project_id) == estimate(1, 1)
    assert gold_skill(hasty, batch.project_id) == estimate(0, 1)


# Fit.


def test_what_the_aggregator_thinks_is_kept_with_an_interval():
    batch = published_batch(tasks=1)
    one, other = a_worker(), a_worker()

    quality.score_by_fit(batch=batch, right={one.pk: (0.9, 10), other.pk: (0.24, 6)}, now=LATER)

    kept = {skill.worker: skill for skill in Skill.objects.filter(source=Skill.Source.FIT)}
    assert (kept[one].estimate, kept[one].answers) == (estimate(9, 10).estimate, 10)
    assert (kept[other].low, kept[other].high) == estimate(1, 6)[1:3]


def test_nobody_to_score_is_fine():
    assert quality.score_by_fit(batch=published_batch(), right={}, now=LATER) == 0


# Suspects.


def know(project, source, **of_workers):
    """Record skills, named by worker: (right, answers)."""
    estimates = {worker: estimate(*found) for worker, found in of_workers["of"].items()}
    skills.record(project_id=project, source=source, estimates=estimates, now=NOON)


def test_a_worker_surely_nearer_to_guessing_than_to_the_others_is_suspect():
    good, better, guesser = (a_worker().pk for _ in range(3))
    know(7, Skill.Source.FIT, of={good: (90, 100), better: (95, 100), guesser: (50, 100)})

    [suspect] = quality.suspects(project_id=7, chance=0.5)

    found = estimate(50, 100)
    assert suspect == Suspect(guesser, found.estimate, found.high, estimate(90, 100).estimate)


def test_few_answers_are_no_reason_to_suspect():
    good, guesser = a_worker().pk, a_worker().pk
    know(7, Skill.Source.FIT, of={good: (90, 100), guesser: (0, 9)})

    assert quality.suspects(project_id=7, chance=0.1) == []
    assert [
        each.worker_id for each in quality.suspects(project_id=7, chance=0.1, answers_min=9)
    ] == [guesser]


def test_doubt_is_no_reason_to_suspect():
    good, unlucky = a_worker().pk, a_worker().pk
    know(7, Skill.Source.FIT, of={good: (90, 100), unlucky: (6, 10)})

    assert quality.suspects(project_id=7, chance=0.5) == []


def test_gold_may_name_a_worker_whom_agreement_does_not():
    good, colluder = a_worker().pk, a_worker().pk
    know(7, Skill.Source.FIT, of={good: (90, 100), colluder: (90, 100)})
    know(7, Skill.Source.GOLD, of={good: (20, 20), colluder: (2, 20)})

    assert [each.worker_id for each in quality.suspects(project_id=7, chance=0.5)] == [colluder]


def test_suspects_are_listed_worst_first_each_once():
    good, bad, worse = (a_worker().pk for _ in range(3))
    for source in Skill.Source.FIT, Skill.Source.GOLD:
        know(7, source, of={good: (95, 100), bad: (20, 100), worse: (5, 100)})
    extra = a_worker().pk
    know(7, Skill.Source.FIT, of={extra: (96, 100)})

    found = quality.suspects(project_id=7, chance=0.25)

    assert [each.worker_id for each in found] == [worse, bad]


def test_a_project_nobody_is_known_in_has_no_suspects():
    assert quality.suspects(project_id=7, chance=0.5) == []


# Over all projects.


def know_in(project, worker, right, answers, source=Skill.Source.FIT):
    know(project.pk, source, of={worker.pk: (right, answers)})


def test_skills_of_several_projects_are_pooled_as_if_they_were_one():
    worker = a_worker()
    know_in(a_project(), worker, 9, 10)
    know_in(a_project(), worker, 10, 30)
    know_in(a_project(), worker, 0, 0, Skill.Source.GOLD)

    found = quality.overall([worker.pk])

    assert found == {worker.pk: {"fit": estimate(19, 40), "gold": estimate(0, 0)}}


@pytest.mark.parametrize(("right", "answers"), [(0, 1), (1, 1), (7, 9), (0, 50), (50, 50)])
def test_a_pool_of_one_project_is_its_skill(right, answers):
    worker = a_worker()
    know_in(a_project(), worker, right, answers)

    assert quality.overall([worker.pk]) == {worker.pk: {"fit": estimate(right, answers)}}


def test_a_requester_is_told_of_others_only_together():
    """Of one other, the pool less one's own would be that other's figures."""
    worker, own, other = a_worker(), a_project(), a_project()
    seen_by = own.requester_id
    know_in(own, worker, 9, 10)
    know_in(a_project(requester=own.requester), worker, 8, 10)
    assert quality.overall([worker.pk], seen_by=seen_by)[worker.pk]["fit"] == estimate(17, 20)

    know_in(other, worker, 0, 100)
    know_in(a_project(requester=other.requester), worker, 0, 100)
    assert quality.overall([worker.pk], seen_by=seen_by)[worker.pk]["fit"] == estimate(17, 20)

    know_in(a_project(), worker, 3, 10)
    assert quality.overall([worker.pk], seen_by=seen_by)[worker.pk]["fit"] == estimate(20, 230)


def test_a_requester_is_told_nothing_of_who_worked_for_one_other_only():
    worker = a_worker()
    know_in(a_project(), worker, 9, 10)

    assert quality.overall([worker.pk], seen_by=a_project().requester_id) == {}


def test_nobody_asked_about_is_fine():
    assert quality.overall([]) == {}
