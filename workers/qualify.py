"""Qualifications: certify, grant, revoke; and whether a worker may work for a requester."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from workers import events, names
from workers.errors import (
    Blocked,
    InvalidRequirement,
    NotGranted,
    NotQualified,
    QualificationNameTaken,
    WorkerNotActive,
)
from workers.models import Block, Qualification, QualificationType, User, Worker
from workers.requirements import Requirement, type_ids, unmet


class Offer(NamedTuple):
    """What somebody may be allowed to work on: whose it is, and what it asks of workers."""

    key: int
    requester_id: int
    requirements: Sequence[Requirement]


@transaction.atomic
def define(
    *, requester: User, name: str, description: str = "", keywords: str = "", now: datetime
) -> QualificationType:
    """Make a new type that ``requester`` can grant.

    Raises ``InvalidName``, and ``QualificationNameTaken`` when they have one of this name.
    """
    try:
        with transaction.atomic():
            made = QualificationType.objects.create(
                requester=requester,
                name=names.valid_name(name, limit=200),
                description=description,
                keywords=keywords,
                created_at=now,
            )
    except IntegrityError as error:
        raise QualificationNameTaken from error
    events.record(
        kind="qualification_type_defined",
        subject_kind="qualification_type",
        subject_id=made.pk,
        actor=requester,
        at=now,
    )
    return made


@transaction.atomic
def grant(
    *,
    type: QualificationType,  # noqa: A002  (the field's word for it)
    worker: Worker,
    value: int = 1,
    now: datetime,
    actor: User | None,
) -> Qualification:
    """Give ``worker`` this value of ``type``, whatever they had before; of two the last wins.

    A repeat changes nothing. ``value`` has at most 32 bits.
    """
    # One grant or revocation per worker at a time, or two first grants would both insert.
    Worker.objects.locked().get(pk=worker.pk)
    before = Qualification.objects.granted().filter(type=type, worker=worker, value=value).first()
    if before:
        return before
    qualification, _ = Qualification.objects.update_or_create(
        type=type,
        worker=worker,
        defaults={
            "value": value,
            "status": Qualification.Status.GRANTED,
            "granted_at": now,
            "revoked_at": None,
            "reason": "",
        },
    )
    _record("qualification_granted", qualification, now, actor, {"value": value})
    return qualification


@transaction.atomic
def revoke(
    *,
    type: QualificationType,  # noqa: A002  (the field's word for it)
    worker: Worker,
    reason: str = "",
    now: datetime,
    actor: User | None,
) -> Qualification:
    """Take ``type`` from ``worker``, from their next claim on. A repeat changes nothing.

    Raises ``NotGranted`` when they never had it.
    """
    # See ``grant``.
    Worker.objects.locked().get(pk=worker.pk)
    qualification = Qualification.objects.filter(type=type, worker=worker).first()
    if qualification is None:
        raise NotGranted
    if qualification.status == Qualification.Status.REVOKED:
        return qualification
    qualification.status = Qualification.Status.REVOKED
    # The clocks of two servers may differ by more than the time since the grant.
    qualification.revoked_at = max(now, qualification.granted_at)
    qualification.reason = reason
    qualification.save(update_fields=["status", "revoked_at", "reason"])
    _record("qualification_revoked", qualification, now, actor, {"reason": reason})
    return qualification


def eligible(*, worker: Worker, requester_id: int, requirements: Sequence[Requirement]) -> None:
    """Return if ``worker`` may work for this requester under these requirements, as of now.

    Reads the database, not ``worker``'s fields: two queries, one without custom qualifications.
    A caller that keeps the answer keeps ``qualifications_version`` with it, read before, and
    asks again when it has grown. Raises ``WorkerNotActive``, ``Blocked`` (whoever blocked whom)
    and ``NotQualified``, which carries the requirements that fail.
    """
    blocks = Block.objects.filter(worker=OuterRef("pk"), requester_id=requester_id, lifted_at=None)
    status, country, subdivision, is_blocked = Worker.objects.values_list(
        "status", "country", "subdivision", Exists(blocks)
    ).get(pk=worker.pk)
    if status != Worker.Status.ACTIVE:
        raise WorkerNotActive
    if is_blocked:
        raise Blocked
    asked = type_ids(requirements)
    granted: dict[int, int] = {}
    if asked:
        held = Qualification.objects.granted().filter(worker=worker, type__in=asked)
        granted = dict(held.values_list("type_id", "value"))
    if failing := unmet(requirements, granted, country, subdivision):
        raise NotQualified(failing)


def eligible_among(*, worker: Worker, offers: Sequence[Offer]) -> set[int]:
    """Return the keys of the offers that ``eligible`` would let ``worker`` take, as of now.

    At most three queries, however many offers there are.
    """
    status, country, subdivision = Worker.objects.values_list(
        "status", "country", "subdivision"
    ).get(pk=worker.pk)
    if status != Worker.Status.ACTIVE or not offers:
        return set()
    apart = Block.objects.filter(worker=worker, lifted_at=None)
    blocked = set(apart.values_list("requester_id", flat=True))
    asked = set().union(*(type_ids(offer.requirements) for offer in offers))
    held = Qualification.objects.granted().filter(worker=worker, type__in=asked)
    granted = dict(held.values_list("type_id", "value"))
    return {
        offer.key
        for offer in offers
        if offer.requester_id not in blocked
        and not unmet(offer.requirements, granted, country, subdivision)
    }


def check_types(requirements: Sequence[Requirement]) -> None:
    """Raise ``InvalidRequirement`` if a requirement asks for a type that is not to be had.

    That is one that does not exist or is inactive.
    """
    asked = type_ids(requirements)
    known = QualificationType.objects.filter(
        pk__in=asked, status=QualificationType.Status.ACTIVE
    ).values_list("pk", flat=True)
    if missing := sorted(asked - set(known)):
        listed = ", ".join(map(str, missing))
        raise InvalidRequirement(f"requirements: there is no active qualification type {listed}.")


def _record(
    kind: str,
    qualification: Qualification,
    now: datetime,
    actor: User | None,
    said: dict[str, int | str],
) -> None:
    """Write the event of a change, and make every batch look again at the worker."""
    Worker.objects.filter(pk=qualification.worker_id).bump_qualifications_version()
    events.record(
        kind=kind,
        subject_kind="worker",
        subject_id=qualification.worker_id,
        actor=actor,
        at=now,
        data={"type": qualification.type_id, **said},
    )
