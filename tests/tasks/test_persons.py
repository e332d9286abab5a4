"""Two accounts turn out to be one human being: what they did becomes one person's."""

from __future__ import annotations

import pytest

from tasks import distribute, persons
from tasks.errors import OwnBatch
from tasks.invariants import broken
from tasks.models import Assignment, Task
from tests.factories import (
    MINUTE,
    NOON,
    a_requester,
    a_worker,
    claim,
    fresh,
    link,
    may_claim,
    published_batch,
    rows,
    submitted,
)
from workers import people
from workers.models import Person, User

pytestmark = pytest.mark.django_db


def person_of(worker):
    return User.objects.get(worker=worker).person_id


def test_assignments_become_the_kept_persons_and_stay_their_workers():
    batch, kept, absorbed = published_batch(tasks=3), a_worker(), a_worker()
    one, other = claim(batch, kept), claim(batch, absorbed)
    submitted(batch, worker=absorbed)
    old = absorbed.user.person_id

    people.link(kept=kept.user.person, absorbed=absorbed.user.person, now=NOON, actor=None)
    moved = persons.move_assignments(kept_id=kept.user.person_id, absorbed_id=old)

    assert moved == 2
    assert not Assignment.objects.filter(person=old).exists()
    assert Assignment.objects.filter(person=kept.user.person_id).count() == 3
    assert (fresh(one).worker, fresh(other).worker) == (kept, absorbed)


def test_moving_again_changes_nothing():
    batch, kept, absorbed = published_batch(tasks=1), a_worker(), a_worker()
    claim(batch, absorbed)
    old = absorbed.user.person_id
    link(kept, absorbed)

    assert persons.move_assignments(kept_id=person_of(kept), absorbed_id=old) == 0


def test_a_task_both_had_before_stays_two_assignments_and_is_closed_to_both():
    batch, kept, absorbed = published_batch(tasks=1, overlap=3), a_worker(), a_worker()
    claim(batch, kept)
    left = claim(batch, absorbed)
    old = absorbed.user.person_id

    link(kept, absorbed, now=NOON + MINUTE)

    assert fresh(left).person_id == old
    assert not may_claim(batch, kept)
    assert not may_claim(batch, absorbed)
    assert Assignment.objects.filter(batch=batch).count() == 2
    assert broken(now=NOON) == []


def test_what_one_account_did_is_closed_to_the_other():
    batch, kept, absorbed = published_batch(tasks=2, overlap=2), a_worker(), a_worker()
    mine = claim(batch, kept)
    theirs = claim(batch, absorbed)
    assert mine.task_id == theirs.task_id
    second = claim(batch, absorbed)

    link(kept, absorbed)

    assert not may_claim(batch, kept)
    assert may_claim(batch, a_worker())
    assert Assignment.objects.filter(task=second.task_id).count() == 2


def test_a_chain_of_accounts_is_one_person():
    batch = published_batch(tasks=3, overlap=3)
    first, second, third = a_worker(), a_worker(), a_worker()
    for worker in first, second, third:
        claim(batch, worker)

    link(second, first)
    link(third, second)

    assert len({person_of(worker) for worker in (first, second, third)}) == 1
    taken = [claim(batch, worker).task_id for worker in (first, second)]
    assert len(set(taken)) == 2
    assert not may_claim(batch, third)


def test_a_worker_who_turns_out_to_be_the_requester_works_for_them_no_more():
    batch = published_batch(tasks=2)
    worker = a_worker()
    claim(batch, worker)

    link_to_user(batch.project.requester, worker)

    # Also with a worker object that was read before, as a request in flight has.
    for same in worker, fresh(worker):
        with pytest.raises(OwnBatch):
            may_claim(batch, same)
    assert Assignment.objects.filter(batch=batch).count() == 1


def test_an_object_read_before_the_link_is_checked_as_the_person_of_now():
    batch, worker = published_batch(tasks=1), a_worker()
    assert worker.user.person_id != batch.project.requester.person_id

    link_to_user(batch.project.requester, worker)

    with pytest.raises(OwnBatch):
        distribute.check_eligible(batch_id=batch.pk, worker=worker)


def link_to_user(user, worker):
    kept, absorbed = User.objects.get(pk=user.pk).person, User.objects.get(worker=worker).person
    people.link(kept=kept, absorbed=absorbed, now=NOON, actor=None)
    persons.move_assignments(kept_id=kept.pk, absorbed_id=absorbed.pk)


def test_a_task_written_by_the_absorbed_account_is_closed_to_the_kept_one():
    writer, kept = a_worker(), a_worker()
    batch = published_batch(tasks=rows(1, author=writer.public_id))

    link(kept, writer)

    assert not may_claim(batch, kept)
    assert not may_claim(batch, writer)
    assert Task.objects.get(batch=batch).author_id == person_of(kept)
    assert may_claim(batch, a_worker())


def test_a_task_written_by_the_kept_account_is_closed_to_the_absorbed_one():
    writer, absorbed = a_worker(), a_worker()
    batch = published_batch(tasks=rows(1, author=writer.public_id))

    link(writer, absorbed)

    assert not may_claim(batch, absorbed)


def test_strangers_keep_what_is_theirs():
    batch = published_batch(tasks=rows(1, author=(author := a_worker()).public_id), overlap=2)
    stranger = claim(batch)

    link(a_worker(), a_worker())

    assert fresh(stranger).person_id == stranger.person_id
    assert Task.objects.get(batch=batch).author_id == author.user.person_id


def test_a_requester_without_a_worker_may_be_linked_as_well():
    requester, worker = a_requester(), a_worker()

    link_to_user(requester, worker)

    assert Person.objects.filter(merged_into=None).count() == 1
