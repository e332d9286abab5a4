"""All kinds of calls to Stripe, and the job that makes those that are due."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payments import fundings, outbox, payout_accounts, payout_calls, refunds
from payments.calls import Call
from payments.models import StripeOperation

if TYPE_CHECKING:
    from stripe import StripeClient

CALLS: dict[str, Call] = {
    **fundings.CALLS,
    **payout_calls.CALLS,
    **payout_accounts.CALLS,
    **refunds.CALLS,
}
# Of one run. What is left waits for the next, whose clock is right: leases are counted by it.
PATIENCE_SECONDS = 30.0


def make(kind: str, subject_id: int, client: StripeClient, *, now: datetime) -> bool:
    """Make the planned call about one row at once, for somebody who waits for its answer.

    Returns whether the answer is known. If it is not, the job makes the call again.
    """
    planned = StripeOperation.objects.filter(
        kind=kind, subject_id=subject_id, state=StripeOperation.State.PLANNED
    ).first()
    return planned is not None and _make(planned.pk, client, now)


def make_due(client: StripeClient, *, now: datetime, limit: int = 500) -> int:
    """Make the calls that are due; return of how many the answer is known now.

    Any number may run at once. One that dies holds the call it was at for two minutes.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    known = 0
    for name in outbox.due(now=now, limit=limit):
        if time.monotonic() > end:
            break
        known += _make(name, client, now)
    return known


def _make(name: uuid.UUID, client: StripeClient, now: datetime) -> bool:
    try:
        return outbox.run(name, CALLS, client, now=now)
    except Exception as error:  # noqa: BLE001  (one broken call must not stop the others)
        outbox.stumble(name, error, now=now)
        return False


def heard(
    kind: str, subject_id: int, made: Any, metadata: Mapping[str, str], *, now: datetime
) -> bool:
    """Take what an event tells of as the answer to its call, if that is not known yet.

    ``metadata`` is what the object carries; a call that asked for another is not its call.
    """
    operation = outbox.in_flight(kind, subject_id)
    if operation is None or operation.request.get("metadata") != dict(metadata):
        return False
    return outbox.confirm(operation, CALLS[kind], made, now=now)
