"""All kinds of calls to Stripe, and the job that makes those that are due."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from payments import fundings, outbox, payout_accounts, payouts, refunds
from payments.calls import Call
from payments.models import StripeOperation

if TYPE_CHECKING:
    from stripe import StripeClient

CALLS: dict[str, Call] = {
    **fundings.CALLS,
    **payouts.CALLS,
    **payout_accounts.CALLS,
    **refunds.CALLS,
}


def make(kind: str, subject_id: int, client: StripeClient, *, now: datetime) -> bool:
    """Make the planned call about one row at once, for somebody who waits for its answer.

    Returns whether the answer is known. If it is not, the job makes the call again.
    """
    planned = StripeOperation.objects.filter(
        kind=kind, subject_id=subject_id, state=StripeOperation.State.PLANNED
    ).first()
    return planned is not None and outbox.run(planned.pk, CALLS, client, now=now)


def make_due(client: StripeClient, *, now: datetime, limit: int = 500) -> int:
    """Make the calls that are due; return of how many the answer is known now."""
    return sum(
        outbox.run(name, CALLS, client, now=now) for name in outbox.due(now=now, limit=limit)
    )
