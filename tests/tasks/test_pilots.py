from __future__ import annotations

import numpy as np
import pytest

from payments.deposits import deposit
from tasks import answer
from tasks.aggregation.replay import UNKNOWN
from tasks.foresight import pilots
from tasks.models import Assignment, Task
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    claim,
    fresh,
    published_batch,
    refuse,
    usd,
)
from tests.tasks.foreseeing import SECOND, Crowd, a_pilot

pytestmark = pytest.mark.django_db
PETS = [{"type": "choice", "name": "pets", "options": ["cat", "dog", "fish"], "multiple": True}]


def test_every_answer_to_the_first_tasks_is_read():
    seen = pilots.read(a_pilot(tasks=40), tasks=100)

    assert (seen.tasks, seen.answers, seen.is_whole) == (40, 120, True)
    assert np.bincount(seen.recording.answers.tasks).tolist() == [3] * 40
    assert (seen.recording.truth == UNKNOWN).all()
    assert seen.seconds.tolist() == [20.0] * 120
    assert np.diff(np.sort(seen.arrived)).tolist() == [20.0] * 119


def test_no_more_tasks_are_used_than_asked_for():
    batch = a_pilot(tasks=50)
    first = dict.fromkeys(
        Assignment.objects.filter(batch=batch).order_by("submitted_at").values_list("task", flat=1)
    )

    seen = pilots.read(batch, tasks=35)

    assert (seen.tasks, seen.answers) == (35, 105)
    chosen = pilots._chosen(batch, pilots._first_answers(batch, None), 35)
    assert list(chosen) == list(first)[:35]


def test_tasks_without_all_their_first_answers_are_left_out():
    batch = a_pilot(tasks=80, answers=150)

    assert pilots.read(batch, tasks=100).tasks < 80
    assert pilots.read(batch, tasks=100).answers == 3 * pilots.read(batch, tasks=100).tasks


def test_workers_are_numbered_as_they_came():
    seen = pilots.read(a_pilot(tasks=40), tasks=100)

    assert list(dict.fromkeys(seen.recording.answers.workers.tolist())) == list(range(8))


def test_gold_is_dealt_out_into_tasks_as_deep_as_the_others():
    batch = a_pilot(Crowd(ability=1.0), tasks=40, gold=2, gold_rate=0.3)

    recording = pilots.read(batch, tasks=100).recording

    heard = Assignment.objects.filter(batch=batch, is_gold=True).values_list("task", flat=True)
    parts = sum(list(heard).count(task) // 3 for task in set(heard))
    assert parts >= 2
    assert recording.tasks == 40 + parts
    assert recording.truth[40:].tolist() == [0] * parts  # cat
    gold = recording.answers.tasks >= 40
    assert np.bincount(recording.answers.tasks[gold])[40:].tolist() == [3] * parts
    assert (recording.answers.labels[gold] == 0).all()


def test_a_rejected_answer_does_not_count_but_took_its_time():
    batch = a_pilot(tasks=40)
    refused = Assignment.objects.filter(batch=batch).earliest("submitted_at")
    owner = batch.project.requester
    deposit(owner_id=owner.pk, amount=usd(6), reference="for another", now=NOON)
    refuse(assignment=refused, actor=owner, now=NOON + HOUR)

    seen = pilots.read(fresh(batch), tasks=100)

    assert (seen.tasks, seen.answers) == (39, 117)
    assert len(seen.arrived) == 120


def test_of_assignments_claimed_together_each_begins_when_the_one_before_was_submitted():
    batch, worker = published_batch(tasks=3, max_live_assignments=5), a_worker()
    held = [claim(batch, worker) for _ in range(3)]
    for assignment, seconds in zip(held, (30, 40, 100), strict=True):
        now = NOON + seconds * SECOND
        answer.submit(assignment_id=assignment.pk, worker=worker, answer={"label": "cat"}, now=now)

    assert [each.seconds for each in pilots._first_answers(batch, None)] == [30, 10, 60]


def test_of_several_options_the_most_disputed_one_speaks():
    batch = published_batch(
        tasks=30, overlap=2, project=a_project(interface=PETS), max_live_assignments=100
    )
    for worker, ticked in ((a_worker(), ["cat", "dog"]), (a_worker(), ["cat"])):
        for _ in range(30):
            made = claim(batch, worker)
            answer.submit(
                assignment_id=made.pk, worker=worker, answer={"pets": ticked}, now=NOON + MINUTE
            )

    recording = pilots.read(batch, tasks=100).recording

    # All ticked cat, nobody fish, and half of them dog.
    assert recording.classes == 2
    assert np.bincount(recording.answers.labels).tolist() == [30, 30]


def test_the_latest_batch_of_the_same_version_with_answers_is_the_pilot():
    older, newer = (a_pilot(tasks=1) for _ in range(2))
    empty = published_batch(tasks=1, project=newer.project)

    assert pilots.earlier_batch(empty) == newer
    assert pilots.earlier_batch(published_batch(tasks=1, project=older.project)) == older
    assert Task.objects.filter(batch=empty).exists()
