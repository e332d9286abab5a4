"""Who is here: registering accounts, giving them roles, and joining those of one human being."""

from __future__ import annotations

import re
import secrets
import string
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from workers import events, terms
from workers.errors import (
    InvalidCountry,
    InvalidEmail,
    LinkedToItself,
    PersonAlreadyLinked,
    UsernameTaken,
)
from workers.models import Person, User, Worker

PUBLIC_ID_ALPHABET = string.ascii_uppercase + string.digits
EMAIL_LENGTH = 254  # characters


@transaction.atomic
def register(
    *,
    username: str,
    email: str = "",
    password: str | None = None,
    requester: bool = False,
    worker: bool = False,
    country: str = "",
    now: datetime,
) -> User:
    """Open an account for somebody who is a new person, with the roles they ask for.

    The username is stored in its canonical spelling. Without a password nobody can log in.
    ``country`` is where the worker lives, as in ``"US"``. Whoever registers agrees to the terms in
    force. Raises ``InvalidName``,
    ``InvalidEmail``, ``InvalidCountry`` and ``UsernameTaken``.
    """
    _check_email(email)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username, email, password, is_requester=requester, date_joined=now
            )
    except IntegrityError as error:
        raise UsernameTaken from error
    if worker:
        _add_worker(user, country, now)
    terms.agree_to_current(user=user, now=now)
    events.record(
        kind="user_registered",
        subject_kind="user",
        subject_id=user.pk,
        actor=user,
        at=now,
        data={"requester": requester, "worker": worker},
    )
    return user


@transaction.atomic
def become_requester(*, user: User, now: datetime) -> None:
    """Let ``user`` post jobs. A repeat changes nothing."""
    if User.objects.filter(pk=user.pk, is_requester=False).update(is_requester=True):
        events.record(
            kind="requester_joined", subject_kind="user", subject_id=user.pk, actor=user, at=now
        )
    user.is_requester = True


@transaction.atomic
def become_worker(*, user: User, country: str = "", now: datetime) -> Worker:
    """Let ``user`` answer tasks; a repeat returns the worker they are already.

    Raises ``InvalidCountry``.
    """
    # Waits for ``link`` to finish with this user, so that no worker slips in behind it.
    User.objects.select_for_update().get(pk=user.pk)
    if known := Worker.objects.filter(user=user).first():
        return known
    worker = _add_worker(user, country, now)
    events.record(
        kind="worker_joined", subject_kind="worker", subject_id=worker.pk, actor=user, at=now
    )
    return worker


@transaction.atomic
def link(*, kept: Person, absorbed: Person, now: datetime, actor: User | None) -> int:
    """Join two persons who are one human being: every account of ``absorbed`` becomes ``kept``'s.

    Returns the absorbed person's id, so that the caller can move, in the same transaction, what
    other apps keep by person (tasks: the ``person_id`` of assignments and the authors of tasks).

    A claim holds ``FOR KEY SHARE`` on its worker's row before it reads the person. This verb
    locks the rows of all workers of both persons ``FOR UPDATE``, so it waits for the claims in
    flight, and those that come later wait for it and then read ``kept``.

    A repeat changes nothing. Raises ``LinkedToItself`` when both are the same row, and
    ``PersonAlreadyLinked`` when one of them was absorbed by somebody else before.
    """
    if kept.pk == absorbed.pk:
        raise LinkedToItself
    # In primary-key order, persons before users before workers, so that two links cannot
    # deadlock. NO KEY on persons: a claim in flight, which this waits for, still has to refer to
    # its person.
    ids = [kept.pk, absorbed.pk]
    locked = Person.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    people = {person.pk: person for person in locked}
    if people[absorbed.pk].merged_into_id == kept.pk:
        return absorbed.pk
    if any(person.merged_into_id for person in people.values()):
        raise PersonAlreadyLinked
    list(User.objects.select_for_update().filter(person__in=ids).order_by("pk"))
    workers = Worker.objects.of_person(*ids).order_by("pk")
    worker_ids = [worker.pk for worker in workers.select_for_update(of=("self",))]
    User.objects.filter(person=absorbed).update(person=kept)
    Person.objects.filter(pk=absorbed.pk).update(merged_into=kept)
    Worker.objects.filter(pk__in=worker_ids).bump_qualifications_version()
    events.record(
        kind="persons_linked",
        subject_kind="person",
        subject_id=kept.pk,
        actor=actor,
        at=now,
        data={"absorbed": absorbed.pk, "workers": worker_ids},
    )
    return absorbed.pk


def check_place(country: str, subdivision: str = "") -> None:
    """Raise ``InvalidCountry`` unless these are ISO 3166 codes in shape, or empty."""
    known = re.fullmatch(r"[A-Z]{2}", country) or not (country or subdivision)
    if not known or not re.fullmatch(r"[A-Z0-9]{0,3}", subdivision):
        raise InvalidCountry


def new_public_id() -> str:
    """A WorkerId that nobody has had."""
    return "A" + "".join(secrets.choice(PUBLIC_ID_ALPHABET) for _ in range(13))


def _add_worker(user: User, country: str, now: datetime) -> Worker:
    check_place(country)
    public_id = new_public_id()
    return Worker.objects.create(user=user, public_id=public_id, country=country, created_at=now)


def _check_email(email: str) -> None:
    if len(email) > EMAIL_LENGTH:
        raise InvalidEmail
    try:
        if email:
            validate_email(email)
    except ValidationError as error:
        raise InvalidEmail from error
