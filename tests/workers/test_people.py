from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from tests.factories import HOUR, NOON, a_requester, a_worker
from workers import people
from workers.errors import (
    InvalidCountry,
    InvalidEmail,
    InvalidName,
    LinkedToItself,
    PersonAlreadyLinked,
    UsernameTaken,
)
from workers.models import Event, Person, User, Worker

pytestmark = pytest.mark.django_db


def test_registering_makes_a_new_person_with_the_roles_asked_for():
    user = people.register(
        username="Ana",
        email="Ana@Example.org",
        password="long enough",
        requester=True,
        worker=True,
        country="DE",
        now=NOON,
    )

    user.refresh_from_db()
    assert user.username == "ana"
    assert user.email == "ana@example.org"
    assert user.person.merged_into is None
    assert user.check_password("long enough")
    assert user.is_requester
    assert not user.is_staff
    assert user.worker.country == "DE"
    assert user.worker.is_active
    assert user.date_joined == user.worker.created_at == NOON
    event = Event.objects.get()
    assert (event.kind, event.subject_id, event.actor) == ("user_registered", user.pk, user)
    assert event.data == {"requester": True, "worker": True}


def test_each_account_is_somebody_else_until_linked():
    one, other = a_requester(), a_requester()

    assert one.person != other.person


def test_without_a_password_nobody_can_log_in():
    assert not a_requester().has_usable_password()


def test_a_public_worker_id_has_the_shape_of_mturks_and_is_not_guessable():
    one, other = a_worker(), a_worker()

    assert re.fullmatch("A[A-Z0-9]{13}", one.public_id)
    assert one.public_id != other.public_id
    assert str(one) == one.public_id


@pytest.mark.parametrize("again", ["ana", "ANA", "\uff21na"])
def test_a_username_is_taken_in_all_its_spellings(again):
    people.register(username="Ana", now=NOON)

    with pytest.raises(UsernameTaken):
        people.register(username=again, now=NOON)

    assert User.objects.count() == Person.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"username": "a b"}, InvalidName),
        ({"username": "ana", "email": "ana"}, InvalidEmail),
        ({"username": "ana", "email": f"ana@{'x.' * 130}org"}, InvalidEmail),
        ({"username": "ana", "worker": True, "country": "Germany"}, InvalidCountry),
    ],
)
def test_a_registration_that_is_refused_leaves_nobody_behind(wrong, error):
    with pytest.raises(error):
        people.register(**wrong, now=NOON)

    assert not User.objects.exists()
    assert not Person.objects.exists()


def test_a_user_is_found_by_any_spelling_of_the_username():
    user = people.register(username="ana", now=NOON)

    assert User.objects.get_by_natural_key("ANA") == user


def test_no_user_exists_without_a_person():
    with pytest.raises(IntegrityError, match="person_id"):
        User(username="ghost").save()


def test_an_admin_made_on_the_command_line_is_a_person_too():
    call_command("createsuperuser", "--noinput", username="Root", email="r@example.org")

    admin = User.objects.get(username="root")
    assert admin.is_staff
    assert admin.is_superuser
    assert admin.person
    assert admin.worker_or_none is None


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "Ana"},
        {"username": "a\x07na"},
        {"first_name": "\u202eana"},
        {"last_name": "\u200b"},
    ],
)
def test_the_database_itself_refuses_names_that_deceive(fields):
    user = a_requester()

    with pytest.raises(IntegrityError, match="user_name"):
        User.objects.filter(pk=user.pk).update(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"public_id": "B1234567890123"},
        {"public_id": "a1234567890123"},
        {"country": "de"},
        {"country": "", "subdivision": "CA"},
        {"country": "US", "subdivision": "US-CA"},
        {"status": "gone"},
    ],
)
def test_the_database_itself_refuses_workers_that_cannot_be(fields):
    worker = a_worker()

    with pytest.raises(IntegrityError, match="worker_"):
        Worker.objects.filter(pk=worker.pk).update(**fields)


def test_a_requester_may_become_a_worker_and_stays_the_worker_they_are():
    user = a_requester()

    worker = people.become_worker(user=user, country="FR", now=NOON)

    assert people.become_worker(user=user, country="DE", now=NOON) == worker
    assert User.objects.get(pk=user.pk).worker_or_none == worker
    assert worker.country == "FR"
    assert Event.objects.filter(kind="worker_joined", subject_id=worker.pk).count() == 1


def test_a_worker_may_become_a_requester_and_a_repeat_changes_nothing():
    user = a_worker().user

    people.become_requester(user=user, now=NOON)
    people.become_requester(user=user, now=NOON)

    assert user.is_requester
    assert User.objects.get(pk=user.pk).is_requester
    assert Event.objects.filter(kind="requester_joined", subject_id=user.pk).count() == 1


def test_linking_makes_every_account_of_the_absorbed_the_keepers():
    kept, absorbed = a_worker(), a_worker()
    bystander = a_worker()
    gone = absorbed.user.person

    moved = people.link(kept=kept.user.person, absorbed=gone, now=NOON + HOUR, actor=None)

    assert moved == gone.pk
    assert User.objects.get(pk=absorbed.user.pk).person == kept.user.person
    assert Person.objects.get(pk=gone.pk).merged_into == kept.user.person
    assert set(Worker.objects.of_person(kept.user.person_id)) == {kept, absorbed}
    versions = Worker.objects.in_bulk()
    assert versions[kept.pk].qualifications_version == 1
    assert versions[absorbed.pk].qualifications_version == 1
    assert versions[bystander.pk].qualifications_version == 0
    event = Event.objects.get(kind="persons_linked")
    assert event.subject_id == kept.user.person_id
    assert event.data == {"absorbed": gone.pk, "workers": [kept.pk, absorbed.pk]}


def test_linking_twice_is_linking_once():
    kept, absorbed = a_worker(), a_worker()
    pair = {"kept": kept.user.person, "absorbed": absorbed.user.person}
    people.link(**pair, now=NOON, actor=None)

    assert people.link(**pair, now=NOON, actor=None) == absorbed.user.person_id

    assert Event.objects.filter(kind="persons_linked").count() == 1
    assert Worker.objects.get(pk=kept.pk).qualifications_version == 1


def test_a_chain_of_links_ends_at_one_person():
    one, two, three = a_worker(), a_worker(), a_worker()
    people.link(kept=two.user.person, absorbed=one.user.person, now=NOON, actor=None)

    people.link(kept=three.user.person, absorbed=two.user.person, now=NOON, actor=None)

    assert Worker.objects.of_person(three.user.person_id).count() == 3


def test_a_person_is_not_linked_to_itself():
    person = a_worker().user.person

    with pytest.raises(LinkedToItself):
        people.link(kept=person, absorbed=person, now=NOON, actor=None)


def test_who_was_absorbed_before_is_not_linked_again():
    one, two, three = (a_worker().user.person for _ in range(3))
    people.link(kept=one, absorbed=two, now=NOON, actor=None)

    with pytest.raises(PersonAlreadyLinked):
        people.link(kept=three, absorbed=two, now=NOON, actor=None)
    with pytest.raises(PersonAlreadyLinked):
        people.link(kept=two, absorbed=three, now=NOON, actor=None)

    assert Event.objects.filter(kind="persons_linked").count() == 1


def test_the_database_itself_refuses_a_person_merged_into_itself():
    person = a_requester().person

    with pytest.raises(IntegrityError, match="person_not_merged_into_itself"), transaction.atomic():
        Person.objects.filter(pk=person.pk).update(merged_into=person)
    assert str(person) == f"person {person.pk}"
