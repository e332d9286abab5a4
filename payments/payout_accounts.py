"""Workers' accounts at the provider: opened, completed there, and looked at again when it says so.

Who somebody is, their documents and their bank number go to the provider alone; what is kept here
is the account's name, two statuses, and what is still asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments import incidents, outbox
from payments.calls import Again, Call
from payments.errors import NoConnectedAccount
from payments.models import ConnectedAccount, Payout, StripeOperation
from payments.payouts import SCHEDULE
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient

OPEN, CLOSE = "account", "account_close"  # kinds of calls
UNSUPPORTED = "unsupported"
INCLUDE = ["configuration.recipient", "requirements", "identity"]
LATER = timedelta(days=1)


@transaction.atomic
def open_account(*, owner_id: int, country: str, now: datetime) -> ConnectedAccount:
    """Plan an account for a worker who has none; again, the first one is returned.

    One that the provider refused to open, such as for its country, is asked for anew.
    """
    ConnectedAccount.objects.get_or_create(
        owner_id=owner_id, defaults={"country": country, "created_at": now}
    )
    account = ConnectedAccount.objects.select_for_update().get(owner=owner_id)
    if account.stripe_account_id is None and outbox.in_flight(OPEN, account.pk) is None:
        account.country, account.transfers_status, account.requirements = country, "pending", []
        account.save()
        outbox.plan(kind=OPEN, subject_id=account.pk, request=_request(account), now=now)
    return account


def _request(account: ConnectedAccount) -> dict[str, Any]:
    recipient = {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    return {
        "dashboard": "express",
        "identity": {"country": account.country.lower(), "entity_type": "individual"},
        "configuration": {"recipient": recipient},
        "defaults": {
            "responsibilities": {
                "fees_collector": "application",
                "losses_collector": "application",
            }
        },
        "metadata": {"account": str(account.pk)},
        "include": INCLUDE,
    }


def onboarding_url(
    account: ConnectedAccount, client: StripeClient, *, return_url: str, refresh_url: str
) -> str:
    """Return a page of the provider's, good for minutes, on which the worker completes it.

    Raises ``NoConnectedAccount`` while the account is not open yet.
    """
    if not account.stripe_account_id:
        raise NoConnectedAccount
    made = client.v2.core.account_links.create(
        {
            "account": account.stripe_account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"return_url": return_url, "refresh_url": refresh_url},
            },
        }
    )
    return made.url


def sync(stripe_account_id: str, client: StripeClient, *, now: datetime) -> bool:
    """Read an account's statuses from the provider; return False if it is none of ours.

    Whatever an event said, this is how it is now; so events may come in any order.
    """
    if not ConnectedAccount.objects.filter(stripe_account_id=stripe_account_id).exists():
        return False
    asked: Any = {"include": INCLUDE}
    found = client.v2.core.accounts.retrieve(stripe_account_id, asked)
    _keep(stripe_account_id, found, now)
    return True


@transaction.atomic
def _keep(stripe_account_id: str, found: Any, now: datetime) -> None:
    account = ConnectedAccount.objects.select_for_update().get(stripe_account_id=stripe_account_id)
    balance = _deep(found.to_dict(), "configuration", "recipient", "capabilities", "stripe_balance")
    account.transfers_status = _deep(balance, "stripe_transfers").get("status", "pending")
    account.payouts_status = _deep(balance, "payouts").get("status", account.transfers_status)
    entries = _deep(found.to_dict(), "requirements").get("entries") or []
    account.requirements = [str(entry.get("description", "")) for entry in entries]
    account.synced_at = now
    if getattr(found, "closed", False) and account.closed_at is None:
        account.closed_at = now
    account.save()


def _deep(data: Any, *names: str) -> dict[str, Any]:
    """The object at a path of names, or an empty one where the path ends early."""
    for name in names:
        data = (data or {}).get(name)
    return data or {}


@transaction.atomic
def close_account(*, owner_id: int, now: datetime) -> bool:
    """Plan the end of a worker's account; False while money is in it, or on the way there.

    Saying so again changes nothing.
    """
    account = ConnectedAccount.objects.select_for_update().filter(owner=owner_id).first()
    if account is None or account.closed_at or not account.stripe_account_id:
        return True
    ended = [Payout.Status.PAID, Payout.Status.FAILED]
    if Payout.objects.filter(owner=owner_id).exclude(status__in=ended).exists():
        return False
    if outbox.in_flight(CLOSE, account.pk):
        return True
    request = {
        "account": account.stripe_account_id,
        "applied_configurations": ["recipient"],
    }
    outbox.plan(kind=CLOSE, subject_id=account.pk, request=request, now=now)
    return True


# The calls


def _send_open(client: StripeClient, operation: StripeOperation, options: dict[str, Any]) -> Any:
    return client.v2.core.accounts.create(operation.request, options)  # type: ignore[arg-type]


def _opened(operation: StripeOperation, made: Any, now: datetime) -> None:
    """Note the account, and have the provider wait for us before it pays a bank."""
    ConnectedAccount.objects.filter(pk=operation.subject_id).update(stripe_account_id=made.id)
    _keep(made.id, made, now)
    by_hand = {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}
    outbox.plan(
        kind=SCHEDULE,
        subject_id=operation.subject_id,
        request=by_hand,
        stripe_account=made.id,
        now=now,
    )


def _not_opened(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    """Such as a country the provider does not serve: the worker can be paid by hand."""
    ConnectedAccount.objects.filter(pk=operation.subject_id).update(
        transfers_status=UNSUPPORTED, requirements=[why.message], synced_at=now
    )
    return None


def _find_open(client: StripeClient, operation: StripeOperation) -> Any | None:
    found = client.v2.core.accounts.list({"limit": 100})
    wanted = operation.request["metadata"]
    return next((each for each in found.auto_paging_iter() if _metadata(each) == wanted), None)


def _metadata(found: Any) -> dict[str, str]:
    return found.to_dict().get("metadata") or {}


def _send_schedule(
    client: StripeClient, operation: StripeOperation, options: dict[str, Any]
) -> Any:
    client.v1.balance_settings.update(operation.request, options)  # type: ignore[arg-type]
    return SimpleNamespace(id=f"{operation.stripe_account}/schedule")


def _scheduled(operation: StripeOperation, made: Any, now: datetime) -> None:
    """Nothing follows: only payouts that are planned here leave the account now."""


def _send_close(client: StripeClient, operation: StripeOperation, options: dict[str, Any]) -> Any:
    asked: Any = {"applied_configurations": operation.request["applied_configurations"]}
    return _end_of(client.v2.core.accounts.close(operation.request["account"], asked, options))  # type: ignore[arg-type]


def _end_of(account: Any) -> Any:
    """An operation's object is its own: the account's name belongs to its opening."""
    return SimpleNamespace(id=f"{account.id}/closed")


def _closed(operation: StripeOperation, made: Any, now: datetime) -> None:
    ConnectedAccount.objects.filter(pk=operation.subject_id, closed_at=None).update(closed_at=now)


def _later(operation: StripeOperation, why: Trouble, now: datetime) -> Again | None:
    details = {"account": operation.subject_id, "error": why.message}
    subject = f"{operation.kind} {operation.subject_id}"
    incidents.raise_incident("account_call_refused", subject, details, now)
    return Again(after=LATER)


def _find_closed(client: StripeClient, operation: StripeOperation) -> Any | None:
    found = client.v2.core.accounts.retrieve(operation.request["account"])
    return _end_of(found) if getattr(found, "closed", False) else None


def _find_nothing(client: StripeClient, operation: StripeOperation) -> Any | None:
    return None  # to set it again changes nothing


CALLS = {
    OPEN: Call(_send_open, _opened, _not_opened, _find_open),
    SCHEDULE: Call(_send_schedule, _scheduled, _later, _find_nothing),
    CLOSE: Call(_send_close, _closed, _later, _find_closed),
}
