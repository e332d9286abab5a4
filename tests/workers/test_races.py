"""Changes of one worker really are concurrent: threads and committed rows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tests.factories import NOON, a_requester, a_worker
from tests.tasks.sessions import wait_for_a_lock
from tests.workers.make import a_qualification_type
from workers import blocks, people, qualify
from workers.errors import PersonAlreadyLinked, UsernameTaken
from workers.models import Block, Event, Person, Qualification, User, Worker

pytestmark = pytest.mark.django_db(transaction=True)


def together(function, arguments):
    """Run ``function`` over ``arguments`` at the same moment; returns what each returned."""
    arguments = list(arguments)
    start = threading.Barrier(len(arguments))

    def run(argument):
        try:
            start.wait()
            return function(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def in_thread(function):
    """Start ``function`` on a connection of its own."""

    def run():
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_eight_first_grants_at_once_make_one_qualification_of_the_last_value():
    french, worker = a_qualification_type(), a_worker()

    together(
        lambda value: qualify.grant(type=french, worker=worker, value=value, now=NOON, actor=None),
        range(8),
    )

    last = Event.objects.filter(kind="qualification_granted").order_by("-id")[0]
    assert Qualification.objects.get().value == last.data["value"]
    assert Worker.objects.get(pk=worker.pk).qualifications_version == 8


def test_a_grant_and_a_revocation_at_once_leave_what_came_last():
    french, worker = a_qualification_type(), a_worker()
    qualify.grant(type=french, worker=worker, value=1, now=NOON, actor=None)

    together(
        lambda verb: verb(type=french, worker=worker, now=NOON, actor=None),
        [qualify.revoke, lambda **to: qualify.grant(value=2, **to)],
    )

    last = Event.objects.filter(kind__startswith="qualification_").order_by("-id")[0]
    assert last.kind == f"qualification_{Qualification.objects.get().status}"


def test_eight_blocks_at_once_are_one_block():
    requester, worker = a_requester(), a_worker()

    made = together(
        lambda _: blocks.block(
            requester=requester,
            worker=worker,
            direction=Block.Direction.REQUESTER,
            now=NOON,
            actor=requester,
        ),
        range(8),
    )

    assert {block.pk for block in made} == {Block.objects.get().pk}
    assert Worker.objects.get(pk=worker.pk).qualifications_version == 1


def test_of_eight_registrations_of_one_name_one_succeeds():
    def register(_):
        try:
            return people.register(username="ana", worker=True, now=NOON)
        except UsernameTaken:
            return None

    users = [user for user in together(register, range(8)) if user]

    assert [User.objects.get()] == users
    assert Person.objects.count() == Worker.objects.count() == 1


def test_becoming_a_worker_eight_times_at_once_makes_one_worker():
    user = a_requester()

    made = together(lambda _: people.become_worker(user=user, now=NOON), range(8))

    assert {worker.pk for worker in made} == {Worker.objects.get().pk}


def test_two_persons_who_absorb_each_other_at_once_do_not_deadlock():
    one, other = a_worker().user.person, a_worker().user.person

    def link(pair):
        try:
            return people.link(kept=pair[0], absorbed=pair[1], now=NOON, actor=None)
        except PersonAlreadyLinked:
            return None

    moved = together(link, [(one, other), (other, one)])

    assert moved.count(None) == 1
    assert Person.objects.filter(merged_into=None).count() == 1


def test_a_link_waits_for_a_claim_in_flight():
    kept, absorbed = a_worker().user.person, a_worker().user.person
    worker = Worker.objects.of_person(absorbed.pk).get()

    with transaction.atomic():
        # What a claim does before it reads the person.
        Worker.objects.raw(
            "SELECT id FROM workers_worker WHERE id = %s FOR KEY SHARE", [worker.pk]
        )[0]
        linking = in_thread(lambda: people.link(kept=kept, absorbed=absorbed, now=NOON, actor=None))
        wait_for_a_lock()
        seen = User.objects.get(worker=worker).person_id
    linking.join()

    assert seen == absorbed.pk
    assert User.objects.get(worker=worker).person_id == kept.pk


def test_a_claim_that_comes_during_a_link_reads_the_person_kept():
    kept, absorbed = a_worker().user.person, a_worker().user.person
    worker = Worker.objects.of_person(absorbed.pk).get()
    seen = []

    def claim():
        with transaction.atomic():
            Worker.objects.raw(
                "SELECT id FROM workers_worker WHERE id = %s FOR KEY SHARE", [worker.pk]
            )[0]
            seen.append(User.objects.get(worker=worker).person_id)

    with transaction.atomic():
        people.link(kept=kept, absorbed=absorbed, now=NOON, actor=None)
        claiming = in_thread(claim)
        wait_for_a_lock()
    claiming.join()

    assert seen == [kept.pk]


def test_a_worker_who_joins_during_a_link_is_no_longer_the_absorbed_person():
    kept, user = a_worker().user.person, a_requester()
    absorbed = user.person

    with transaction.atomic():
        people.link(kept=kept, absorbed=absorbed, now=NOON, actor=None)
        joining = in_thread(lambda: people.become_worker(user=user, now=NOON))
        wait_for_a_lock()
        assert not Worker.objects.filter(user=user).exists()
    joining.join()

    assert Worker.objects.get(user=user) in Worker.objects.of_person(kept.pk)


def test_a_claim_does_not_wait_for_a_grant():
    french, worker = a_qualification_type(), a_worker()

    def claim(_):
        with transaction.atomic():
            return Worker.objects.raw(
                "SELECT id FROM workers_worker WHERE id = %s FOR KEY SHARE NOWAIT", [worker.pk]
            )[0]

    with transaction.atomic():
        qualify.grant(type=french, worker=worker, now=NOON, actor=None)
        assert together(claim, [None]) == [worker]
