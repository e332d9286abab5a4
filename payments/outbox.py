"""Calls to Stripe, written down before they are made: each is made once, whatever fails.

A call is planned in the transaction that needs it, with its key. It is sent outside any
transaction, and sent again under the same key until an answer is known: Stripe answers a key it
has seen with what it answered before. So a process may die anywhere. Stripe remembers keys for
24 hours; a call that old is never sent again, but looked for.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from payments import incidents, provider
from payments.calls import Call
from payments.models import StripeOperation
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient

State = StripeOperation.State
IN_FLIGHT = (State.PLANNED, State.SENT, State.UNKNOWN)
LEASE = timedelta(minutes=2)  # longer than a call can take
KEY_LIVES = timedelta(hours=23)  # Stripe may forget a key after 24
BACK_OFF_MAX = timedelta(minutes=5)
OPERATOR_WAIT = timedelta(minutes=15)
NOT_SENT_YET = timedelta(0)


def plan(
    *,
    kind: str,
    subject_id: int,
    request: Mapping[str, Any],
    stripe_account: str = "",
    now: datetime,
    after: timedelta = NOT_SENT_YET,
) -> StripeOperation:
    """Write down a call; make it with ``run`` after the commit, or leave it to the job.

    Call it in the transaction of its cause. One call of a kind per subject is in flight at most:
    a constraint refuses another.
    """
    name = uuid.uuid4()
    return StripeOperation.objects.create(
        id=name,
        kind=kind,
        subject_id=subject_id,
        idempotency_key=_key(kind, name, 1),
        stripe_account=stripe_account,
        request=dict(request),
        next_try_at=now + after,
        created_at=now,
    )


def _key(kind: str, name: uuid.UUID, attempt: int) -> str:
    return f"{provider.mode()}:{kind}:{name}:a{attempt}"


def due(*, now: datetime, limit: int = 500) -> list[uuid.UUID]:
    """The calls to be made now, those that waited longest first."""
    waiting = StripeOperation.objects.filter(state__in=IN_FLIGHT, next_try_at__lte=now)
    free = waiting.filter(Q(leased_until=None) | Q(leased_until__lte=now))
    return list(free.order_by("next_try_at").values_list("pk", flat=True)[:limit])


def in_hand(*, now: datetime) -> int:
    """How many calls somebody is making now."""
    return StripeOperation.objects.filter(state__in=IN_FLIGHT, leased_until__gt=now).count()


def run(name: uuid.UUID, calls: Mapping[str, Call], client: StripeClient, *, now: datetime) -> bool:
    """Make one call, unless somebody else has it; return whether its answer is known now."""
    operation = _lease(name, now)
    if operation is None:
        return False
    call = calls[operation.kind]
    if operation.state == State.UNKNOWN:
        return _look(operation, call, client, now)
    options: dict[str, Any] = {"idempotency_key": operation.idempotency_key}
    if operation.stripe_account:
        options["stripe_account"] = operation.stripe_account
    try:
        made = call.send(client, operation, options)
    except Exception as error:  # noqa: BLE001  (``trouble`` raises what is not Stripe's)
        return _troubled(operation, call, provider.trouble(error), now)
    confirm(operation, call, made, now=now)
    return True


def _lease(name: uuid.UUID, now: datetime) -> StripeOperation | None:
    """Take one call in hand and commit that, so that a dead process holds it for minutes only."""
    with transaction.atomic():
        mine = StripeOperation.objects.select_for_update(skip_locked=True).filter(
            Q(leased_until=None) | Q(leased_until__lte=now),
            pk=name,
            state__in=IN_FLIGHT,
            next_try_at__lte=now,
        )
        operation = mine.first()
        if operation is None:
            return None
        first = operation.first_sent_at or now
        is_old = now - first >= KEY_LIVES or operation.state == State.UNKNOWN
        operation.state = State.UNKNOWN if is_old else State.SENT
        operation.first_sent_at = first
        operation.leased_until = now + LEASE
        operation.runs += 1
        operation.save(update_fields=["state", "first_sent_at", "leased_until", "runs"])
        return operation


def in_flight(kind: str, subject_id: int) -> StripeOperation | None:
    """The call of this kind about this row whose answer is not known, if there is one."""
    return StripeOperation.objects.filter(
        kind=kind, subject_id=subject_id, state__in=IN_FLIGHT
    ).first()


@transaction.atomic
def confirm(operation: StripeOperation, call: Call, made: Any, *, now: datetime) -> bool:
    """Note what a call has made, once, and do what follows; return False if it was noted.

    An event may tell of it before the answer does. Should the answer then name another object,
    or one of a call that was given up, a human hears of it.
    """
    row = StripeOperation.objects.select_for_update().get(pk=operation.pk)
    if row.state not in IN_FLIGHT:
        if row.stripe_id != made.id:
            details = {"operation": str(row.pk), "kind": row.kind, "first": row.stripe_id or ""}
            incidents.raise_incident("made_twice", made.id, details, now)
        return False
    row.state, row.stripe_id, row.finished_at = State.CONFIRMED, made.id, now
    row.leased_until, row.last_error = None, ""
    row.save(update_fields=["state", "stripe_id", "finished_at", "leased_until", "last_error"])
    call.confirmed(row, made, now)
    return True


def _troubled(operation: StripeOperation, call: Call, why: Trouble, now: datetime) -> bool:
    if why.is_final:
        return _refused(operation, call, why, now)
    if why.needs_operator:
        details = {"operation": str(operation.pk), "kind": operation.kind, "error": why.message}
        subject = f"{why.code} {now:%Y-%m-%d}"
        incidents.raise_incident("stripe_refuses_the_platform", subject, details, now)
    later = OPERATOR_WAIT if why.needs_operator else _back_off(operation.runs)
    _put_off(operation, now + later, why.message)
    return False


def _put_off(operation: StripeOperation, at: datetime, error: str) -> None:
    in_hand = StripeOperation.objects.filter(
        pk=operation.pk, idempotency_key=operation.idempotency_key, state__in=IN_FLIGHT
    )
    in_hand.update(next_try_at=at, leased_until=None, last_error=error)


def hurry(name: uuid.UUID, *, now: datetime) -> bool:
    """Make a call that waits at the next opportunity; return False if none waits under this name.

    The key stays as it is, so this can double nothing.
    """
    waiting = StripeOperation.objects.filter(pk=name, state__in=IN_FLIGHT)
    return bool(waiting.update(next_try_at=now))


def stumble(name: uuid.UUID, error: Exception, *, now: datetime) -> None:
    """Put off a call that failed here, not at Stripe, and tell a human: the others must go on."""
    operation = StripeOperation.objects.get(pk=name)
    said = f"{type(error).__name__}: {error}"[:2000]
    details = {"operation": str(name), "kind": operation.kind, "error": said}
    incidents.raise_incident("call_failed_here", str(name), details, now)
    _put_off(operation, now + OPERATOR_WAIT, said)


def _back_off(runs: int) -> timedelta:
    """One second, doubling up to five minutes, of which up to half is left out at random."""
    longest = min(timedelta(seconds=2.0 ** min(runs - 1, 20)), BACK_OFF_MAX)
    return longest * (1 - random.random() / 2)  # noqa: S311


@transaction.atomic
def _refused(operation: StripeOperation, call: Call, why: Trouble, now: datetime) -> bool:
    row = StripeOperation.objects.select_for_update().get(pk=operation.pk)
    # Whoever was stopped for long may bring what was said to a key that is no longer in use.
    if row.state not in IN_FLIGHT or row.idempotency_key != operation.idempotency_key:
        return row.state not in IN_FLIGHT
    row.last_error, row.leased_until = why.message, None
    again = call.refused(row, why, now)
    if again is None:
        row.state, row.finished_at = State.FAILED, now
    else:
        _renew(row, now + again.after)
    row.save()
    return again is None


def _renew(row: StripeOperation, at: datetime) -> None:
    """Give the call a new key: under the old one Stripe would repeat what it said before."""
    row.attempt += 1
    row.idempotency_key = _key(row.kind, row.pk, row.attempt)
    row.state, row.first_sent_at, row.next_try_at = State.PLANNED, None, at


def _look(operation: StripeOperation, call: Call, client: StripeClient, now: datetime) -> bool:
    """Find out what became of a call whose key Stripe may have forgotten; if nothing, renew it."""
    try:
        found = call.search(client, operation)
    except Exception as error:  # noqa: BLE001  (``trouble`` raises what is not Stripe's)
        why = provider.trouble(error)._replace(is_final=False)
        return _troubled(operation, call, why, now)
    if found is not None:
        return confirm(operation, call, found, now=now)
    with transaction.atomic():
        row = StripeOperation.objects.select_for_update().get(pk=operation.pk)
        if (row.state, row.idempotency_key) == (State.UNKNOWN, operation.idempotency_key):
            row.leased_until = None
            _renew(row, now)
            row.save()
    return False
