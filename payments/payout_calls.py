"""The two calls of a payout: to a worker's account at the provider, and from there to a bank."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from payments import incidents, payouts
from payments.calls import Again, Call
from payments.models import ConnectedAccount, StripeOperation
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient

TREASURY_WAIT = timedelta(hours=1)  # until the platform's balance is looked at again
NOT_ABLE = "insufficient_capabilities_for_transfer"


def _send_transfer(
    client: StripeClient, operation: StripeOperation, options: dict[str, Any]
) -> Any:
    return client.v1.transfers.create(operation.request, options)  # type: ignore[arg-type]


def _transfer_made(operation: StripeOperation, made: Any, now: datetime) -> None:
    payouts.transferred(operation.subject_id, transfer_id=made.id, now=now)


def _transfer_refused(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    if why.code == "balance_insufficient":
        details = {"payout": operation.subject_id, "error": why.message}
        subject = f"{now:%Y-%m-%d} {operation.request['currency']}"
        incidents.raise_incident(kind="treasury_short", subject=subject, details=details, now=now)
        return Again(after=TREASURY_WAIT)
    if why.code == NOT_ABLE:
        # Until the provider says otherwise, nothing is sent there; else it were tried every day.
        account = ConnectedAccount.objects.filter(
            stripe_account_id=operation.request["destination"]
        )
        account.update(transfers_status="restricted")
    payouts.fail(payout_id=operation.subject_id, now=now, why=why.code)
    return None


def _find_transfer(client: StripeClient, operation: StripeOperation) -> Any | None:
    group = operation.request["transfer_group"]
    page = client.v1.transfers.list({"transfer_group": group, "limit": 100})
    return _of_payout(page.auto_paging_iter(), operation.request["metadata"])


def _send_payout(client: StripeClient, operation: StripeOperation, options: dict[str, Any]) -> Any:
    return client.v1.payouts.create(operation.request, options)  # type: ignore[arg-type]


def _payout_made(operation: StripeOperation, made: Any, now: datetime) -> None:
    attempt = int(operation.request["metadata"]["try"])
    payouts.on_the_way(operation.subject_id, reference=made.id, attempt=attempt)


def _payout_refused(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    """The money stays where it is, and the bank is tried again; a human hears of it."""
    details = {"payout": operation.subject_id, "error": why.message}
    subject = f"payout {operation.subject_id}"
    incidents.raise_incident(kind="payout_refused", subject=subject, details=details, now=now)
    return Again(after=payouts.BANK_WAIT)


def _find_payout(client: StripeClient, operation: StripeOperation) -> Any | None:
    page = client.v1.payouts.list({"limit": 100}, {"stripe_account": operation.stripe_account})
    return _of_payout(page.auto_paging_iter(), operation.request["metadata"])


def _of_payout(found: Any, metadata: Mapping[str, str]) -> Any | None:
    """The first of ``found`` that carries this metadata."""
    return next((each for each in found if each.metadata.to_dict() == dict(metadata)), None)


CALLS = {
    payouts.TRANSFER: Call(_send_transfer, _transfer_made, _transfer_refused, _find_transfer),
    payouts.PAY: Call(_send_payout, _payout_made, _payout_refused, _find_payout),
}
