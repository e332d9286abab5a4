"""What must always hold does hold after every verb."""

from __future__ import annotations

import json

import pytest

from payments.deposits import deposit
from tasks import distribute, invariants, persons, settle
from tasks.models import Task
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    add_tasks,
    claim,
    gold_rows,
    published_batch,
    rows,
    usd,
)
from tests.tasks.marketplace import SOON, busy_marketplace, damage
from workers import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return busy_marketplace()


def names(found):
    return {each.name for each in found}


def test_all_invariants_hold_while_a_marketplace_works(world):
    assert invariants.broken(now=SOON) == []


def test_all_invariants_hold_after_everything_was_settled(world):
    later = NOON + 100 * HOUR

    distribute.expire_overdue(now=later)
    settle.accept_due(now=later)
    settle.pay_accepted(now=later)
    settle.wind_up(now=later)

    assert invariants.broken(now=later) == []


def test_every_sentence_has_a_name_of_its_own():
    assert len(names(invariants.INVARIANTS)) == len(invariants.INVARIANTS)


def test_only_so_many_rows_are_shown_but_all_are_counted(world):
    damage(world, "UPDATE tasks_task SET is_open = NOT is_open WHERE batch_id = {batch}")

    found = {each.name: each for each in invariants.broken(now=SOON, limit=2)}

    flags = found["open while slots remain"]
    assert len(flags.rows) == 2
    assert flags.total == Task.objects.filter(batch=world.batch).count()


def test_accounts_that_turn_out_to_be_one_person_break_nothing():
    batch = published_batch(tasks=[*rows(1), *rows(1)], overlap=2)
    kept, absorbed, owner = a_worker(), a_worker(), batch.project.requester
    claim(batch, kept)
    claim(batch, absorbed)

    for other in absorbed.user, owner:
        people.link(kept=kept.user.person, absorbed=other.person, now=SOON, actor=None)
        persons.move_assignments(kept_id=kept.user.person_id, absorbed_id=other.person_id)

    assert invariants.broken(now=SOON) == []


def test_what_one_person_does_after_their_accounts_were_linked_is_held_against_them(world):
    person = world.worker.user.person
    people.link(kept=person, absorbed=world.requester.person, now=NOON - HOUR, actor=None)

    found = invariants.broken(now=SOON)

    assert names(found) == {"nobody works for themselves"}
    assert [row["assignment"] for row in found[0].rows] == [world.active]


def test_a_link_that_left_assignments_behind_is_reported(world):
    other = a_worker().user.person
    people.link(kept=other, absorbed=world.worker.user.person, now=SOON, actor=None)

    found = invariants.broken(now=SOON)

    assert names(found) == {"assignments follow their person"}
    assert [row["assignment"] for row in found[0].rows] == [world.active]


def test_a_job_may_be_late_by_as_much_as_the_caller_says(world):
    settle.pay_accepted(now=SOON)
    deadline = NOON + HOUR / 2

    assert invariants.broken(now=deadline + 10 * MINUTE, late=10 * MINUTE) == []
    found = invariants.broken(now=deadline + 11 * MINUTE, late=10 * MINUTE)
    assert names(found) == {"overdue assignments expire"}


def test_a_running_batch_may_grow_by_tasks_and_gold():
    batch = published_batch(tasks=10, gold=1, gold_rate=0.3)
    deposit(owner_id=batch.project.requester_id, amount=usd(1_000), reference="more", now=NOON)

    for more in rows(3), gold_rows(1), [*rows(10), *gold_rows(2)]:
        add_tasks(batch, more)

        assert invariants.broken(now=SOON) == []


def test_tasks_written_by_an_account_that_was_linked_follow_its_person(world):
    writer, kept = a_worker(), a_worker().user.person
    Task.objects.filter(pk=world.free).update(author_id=writer.user.person_id)
    people.link(kept=kept, absorbed=writer.user.person, now=SOON, actor=None)

    persons.move_assignments(kept_id=kept.pk, absorbed_id=writer.user.person_id)

    assert invariants.broken(now=SOON) == []


def test_a_batch_may_grow_after_its_gold_has_expired():
    golds = rows(2, gold=json.dumps({"label": "cat"}), expires_at=NOON + MINUTE)
    batch = published_batch(tasks=[*rows(4), *rows(2, expires_at=NOON + MINUTE), *golds])
    deposit(owner_id=batch.project.requester_id, amount=usd(1_000), reference="more", now=NOON)
    claim(batch, gold=True)

    for more in rows(40), gold_rows(3):
        distribute.expire_tasks(now=SOON)
        add_tasks(batch, more)

        assert invariants.broken(now=SOON) == []
