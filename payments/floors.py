"""The least an hour of work is paid: agreed by two people, ended by the next, never deleted.

The platform's own floor holds for every batch in its currency. Those of places hold for who asks
for them. Nothing is exchanged: a floor in one currency says nothing about work paid in another.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from payments import wage_floors
from payments.errors import (
    FloorDecided,
    FloorMissing,
    FloorOverlaps,
    FloorTooLow,
    InvalidFloor,
    SecondPersonMissing,
    VoteMissing,
)
from payments.models import WageFloor
from payments.models.floor import PLATFORM
from payments.money import Money, check_amount

PLACE = re.compile(rf"{PLATFORM}|[A-Z]{{2}}(-[A-Z0-9]{{1,3}})?")
STALE = timedelta(days=365)


def in_force(*, currency: str, on: date, jurisdictions: Collection[str] = ()) -> int | None:
    """Return the highest floor per hour, in minor units, or None when there is none.

    Asked are the platform's and those of the named places; of ``"US-CA"`` also the ``"US"`` one.
    """
    places = {PLATFORM, *jurisdictions, *(place.partition("-")[0] for place in jurisdictions)}
    floors = holding(on=on).filter(currency=currency, jurisdiction__in=places)
    highest: int | None = floors.aggregate(highest=Max("per_hour_minor"))["highest"]
    return highest


def required(*, currency: str, on: date) -> int | None:
    """Return the platform's floor per hour, in minor units, that every batch must meet.

    None, where the setting ``WAGE_FLOOR_OPTIONAL`` lets batches run in currencies without one.
    Raises ``FloorMissing`` where it does not.
    """
    floor = in_force(currency=currency, on=on)
    if floor is None and not settings.WAGE_FLOOR_OPTIONAL:
        raise FloorMissing
    return floor


def holding(*, on: date) -> QuerySet[WageFloor]:
    """Return all floors that hold on a day."""
    ends_later = Q(valid_to=None) | Q(valid_to__gt=on)
    return WageFloor.objects.filter(ends_later, approved_at__isnull=False, valid_from__lte=on)


def propose(
    *,
    jurisdiction: str,
    rate: Money,
    valid_from: date,
    source: str,
    actor_id: int,
    now: datetime,
    valid_to: date | None = None,
    proposal_id: int | None = None,
) -> WageFloor:
    """Write down a floor that holds nowhere until another person approves it.

    ``valid_to`` is the first day it no longer holds; a platform floor has none, it lasts until
    the next. ``proposal_id`` names the workers' vote that a lower platform floor needs.

    Raises:
        FloorTooLow: a platform floor below the release's bound; it says the least.
        InvalidAmount: the rate is not positive.
        InvalidFloor: the place, a day or the source cannot be.
    """
    check_amount(rate)
    _check_terms(jurisdiction, valid_from, valid_to, source)
    least = Money(wage_floors.bound(rate.currency), rate.currency)
    if jurisdiction == PLATFORM and rate.minor < least.minor:
        raise FloorTooLow(least)
    return WageFloor.objects.create(
        jurisdiction=jurisdiction,
        currency=rate.currency,
        per_hour_minor=rate.minor,
        valid_from=valid_from,
        valid_to=valid_to,
        source=source.strip(),
        checked_on=now.date(),
        proposed_by_id=actor_id,
        proposed_at=now,
        proposal_id=proposal_id,
    )


@transaction.atomic
def approve(
    *, floor_id: int, actor_id: int, now: datetime, vote_carried: bool = False
) -> WageFloor:
    """Let a proposed floor hold from its first day on; the one before ends on that day.

    ``vote_carried`` is whether the workers' vote that the floor names was carried: whoever calls
    has looked.

    Raises:
        FloorDecided: it was approved or withdrawn before.
        FloorOverlaps: another floor of the place begins on that day or later.
        InvalidFloor: its first day is past.
        SecondPersonMissing: ``actor_id`` proposed it.
        VoteMissing: it is a lower platform floor, and no vote for it was carried.
    """
    floor = WageFloor.objects.select_for_update(no_key=True).get(pk=floor_id)
    if floor.approved_at or floor.withdrawn_at:
        raise FloorDecided
    if floor.proposed_by_id is None or floor.proposed_by_id == actor_id:
        raise SecondPersonMissing
    # Batches that are open were promised what held when they were published.
    if floor.valid_from < now.date():
        raise InvalidFloor("A floor begins today or later: propose it anew with another day.")
    if _is_lower(floor) and not (floor.proposal_id and vote_carried):
        raise VoteMissing
    _begin(floor, actor_id, now)
    return floor


def withdraw(*, floor_id: int, now: datetime) -> None:
    """Take back, or refuse, a floor that nobody has approved; it stays on record.

    Raises ``FloorDecided`` when it was approved or withdrawn before.
    """
    waiting = WageFloor.objects.filter(pk=floor_id, approved_at=None, withdrawn_at=None)
    if not waiting.update(withdrawn_at=now):
        raise FloorDecided


def confirm(*, floor_id: int, on: date) -> None:
    """Note that somebody has read the source again and the rate still stands."""
    WageFloor.objects.filter(pk=floor_id, checked_on__lt=on).update(checked_on=on)


@transaction.atomic
def load_shipped(now: datetime) -> int:
    """Add the release's floors that are not there yet; return how many. Running again adds none.

    What people have agreed on stays: a shipped floor is added only where it overlaps none, and
    it ends no floor but an earlier shipped one.
    """
    before = WageFloor.objects.count()
    for each in wage_floors.shipped():
        _held(each.jurisdiction, each.currency).filter(
            proposed_by=None, valid_to=None, valid_from__lt=each.valid_from
        ).update(valid_to=each.valid_from)
        floor = WageFloor(
            **each._asdict(), checked_on=wage_floors.CHECKED_ON, proposed_at=now, approved_at=now
        )
        WageFloor.objects.bulk_create([floor], ignore_conflicts=True)
    return WageFloor.objects.count() - before


def stale(*, on: date) -> QuerySet[WageFloor]:
    """Return the floors in force whose source nobody has looked at for a year, oldest first."""
    old = holding(on=on).filter(checked_on__lt=on - STALE)
    return old.order_by("checked_on", "jurisdiction", "currency")


def _held(jurisdiction: str, currency: str) -> QuerySet[WageFloor]:
    return WageFloor.objects.filter(
        jurisdiction=jurisdiction, currency=currency, approved_at__isnull=False
    )


def _check_terms(place: str, valid_from: date, valid_to: date | None, source: str) -> None:
    if not PLACE.fullmatch(place) or not 0 < len(source.strip()) <= 500:  # noqa: PLR2004
        raise InvalidFloor
    if valid_to and (place == PLATFORM or valid_to <= valid_from):
        raise InvalidFloor


def _is_lower(floor: WageFloor) -> bool:
    """Whether the floor is the platform's, and below what holds on the day before it begins."""
    if floor.jurisdiction != PLATFORM:
        return False
    before = in_force(currency=floor.currency, on=floor.valid_from - timedelta(days=1))
    return before is not None and floor.per_hour_minor < before


def _begin(floor: WageFloor, actor_id: int, now: datetime) -> None:
    floor.approved_by_id, floor.approved_at = actor_id, now
    _held(floor.jurisdiction, floor.currency).filter(
        Q(valid_to=None) | Q(valid_to__gt=floor.valid_from), valid_from__lt=floor.valid_from
    ).update(valid_to=floor.valid_from)
    try:
        with transaction.atomic():
            floor.save(update_fields=["approved_by", "approved_at"])
    except IntegrityError as error:
        # The exclusion constraint also decides between two who approve at once.
        raise FloorOverlaps from error
