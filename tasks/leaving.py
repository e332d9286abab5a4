"""Leaving: what has to be settled before an account is erased, and what is still owed after.

A requester leaves with nothing open. A worker may leave at any moment: what they have claimed
expires, what they have submitted is decided and paid like everybody's, and what they have earned
goes to their bank, or waits for them under their pseudonym.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from payments import payout_accounts, payouts
from payments.models import Account, ConnectedAccount, Dispute, Payout, StripeOperation
from payments.money import Money
from tasks.compensation import topups
from tasks.models import Batch, Rejection
from workers import events
from workers.errors import NotErasable
from workers.models import Event, User

NOTICE_DAYS = (30, 90, 180)  # after the erasure, while earnings still wait
UNCLAIMED = "earnings_unclaimed"  # the notice's event
Purpose = Account.Purpose


def check_settled(user: User) -> None:
    """Return if this account's own business is settled, else raise ``NotErasable`` saying what.

    Open are batches that are not closed, refusals that are not final, disputes, and money that is
    in the wallet or on its way back.
    """
    if Batch.objects.of(user.pk).live().exists():
        raise NotErasable("Close your batches, and wait until they are settled.")
    open_cases = Rejection.objects.filter(status__in=Rejection.PENDING)
    if open_cases.filter(assignment__batch__project__requester=user).exists():
        raise NotErasable("Wait until the answers you refused are decided for good.")
    if Dispute.objects.filter(funding__owner=user, status=Dispute.Status.OPEN).exists():
        raise NotErasable("Wait until the dispute about your payment is decided.")
    if _holding(user, Purpose.WALLET, Purpose.REFUNDS_IN_TRANSIT).exists():
        raise NotErasable("Have what is in your wallet sent back, and wait until it has arrived.")


@transaction.atomic
def pay_out(user: User, *, now: datetime) -> list[Payout]:
    """Ask for all that ``user`` has earned to be paid, whatever the amount.

    What their batches still owe them by the wage floor is paid to them first. Without an account
    to pay to, nothing is asked for: the money stays theirs.
    """
    if worker := user.worker_or_none:
        topups.top_up_worker(worker=worker, now=now)
    account = ConnectedAccount.objects.filter(owner=user).first()
    if account is None or not account.is_ready:
        return []
    return [
        payouts.request(owner_id=user.pk, amount=amount, now=now)
        for amount in unclaimed(user)
        if amount.minor
    ]


def unclaimed(user: User) -> list[Money]:
    """What ``user`` has earned and not asked for, one amount per currency."""
    held = _holding(user, Purpose.EARNINGS).order_by("currency")
    return [account.available for account in held]


def follow_up(*, now: datetime, limit: int = 500) -> int:
    """Pay out what came to erased accounts since; return for how many something was done.

    Where there is nowhere to pay to, note that earnings have waited for 30, 90 or 180 days; where
    nothing is left to pay, close the account at the provider. Running twice asks for nothing
    twice: what was asked for is no longer in the earnings, and each notice is an event, looked
    for first.
    """
    paid = Account.objects.filter(purpose=Purpose.EARNINGS, balance_minor__gt=0)
    waiting = Q(pk__in=paid.values("owner")) | Q(pk__in=_to_close().values("owner"))
    erased = User.objects.filter(waiting, erased_at__isnull=False).order_by("pk")
    return sum(_follow(user, now) for user in erased[:limit])


@transaction.atomic
def _follow(user: User, now: datetime) -> bool:
    # One run at a time per account, or two would both tell.
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if pay_out(user, now=now):
        return True
    if amounts := unclaimed(user):
        return _tell(user, amounts, now)
    if not _to_close().filter(owner=user).exists():
        return False
    return payout_accounts.close_account(owner_id=user.pk, now=now)


def _to_close() -> QuerySet[ConnectedAccount]:
    """Accounts at the provider that are open, and nobody has asked to close."""
    asked = StripeOperation.objects.filter(kind=payout_accounts.CLOSE, subject_id=OuterRef("pk"))
    open_ones = ConnectedAccount.objects.filter(closed_at=None, stripe_account_id__isnull=False)
    return open_ones.exclude(Exists(asked))


def _tell(user: User, amounts: list[Money], now: datetime) -> bool:
    assert user.erased_at is not None
    told = Event.objects.filter(subject_kind="user", subject_id=user.pk, kind=UNCLAIMED)
    done = set(told.values_list("data__days", flat=True))
    waited = now - user.erased_at
    due = [days for days in NOTICE_DAYS if waited >= timedelta(days=days) and days not in done]
    for days in due:
        events.record(
            kind=UNCLAIMED,
            subject_kind="user",
            subject_id=user.pk,
            actor=None,
            at=now,
            data={"days": days, "amounts": {each.currency: each.minor for each in amounts}},
        )
    return bool(due)


def _holding(user: User, *purposes: Account.Purpose) -> QuerySet[Account]:
    return Account.objects.filter(owner=user, purpose__in=purposes, balance_minor__gt=0)
