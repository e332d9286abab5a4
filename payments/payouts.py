"""Money out: from a worker's earnings to their account at the provider, and on to their bank.

A payout is asked for, sent to the worker's connected account (a transfer), and paid from there to
their bank (a payout of Stripe's). Each step is a call in the outbox, and ends in the books once,
whichever comes first: the answer to the call, or the event that tells of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from payments import accounts, coins, incidents, ledger, outbox
from payments.errors import InsufficientFunds, PayoutSettled
from payments.ledger import Posting
from payments.models import Account, ConnectedAccount, Payout, StripeOperation, Transfer
from payments.money import MINOR_DIGITS, Money, check_amount
from payments.references import check_reference

Status = Payout.Status
Kind = Transfer.Kind
TRANSFER, PAY, SCHEDULE = "transfer", "payout", "payout_schedule"  # kinds of calls
BANK_WAIT = timedelta(days=1)  # before a returned payout is tried again
BANK_TRIES = 5
AUTOMATIC_MINOR = {0: 500, 2: 500, 3: 2000}  # by decimals of the currency: about 5.00


@transaction.atomic
def request(*, owner_id: int, amount: Money, now: datetime) -> Payout:
    """Set ``amount`` of the owner's earnings aside, to be paid to them.

    Each call asks for another payout.

    Raises:
        AccountClosed: the earnings are closed.
        InsufficientFunds: the owner has earned less than ``amount``.
        InvalidAmount: ``amount`` is not positive.
    """
    check_amount(amount)
    payout = Payout.objects.create(
        owner_id=owner_id, amount_minor=amount.minor, currency=amount.currency, requested_at=now
    )
    earnings = accounts.earnings_of(owner_id, amount.currency)
    transit = accounts.payouts_in_transit(owner_id, amount.currency)
    ledger.post(_posting(payout, "payout", Kind.PAYOUT, earnings, transit), now=now)
    return payout


def send_due(*, now: datetime, limit: int = 500) -> int:
    """Send what was asked for, to everybody whose account is ready; return how many."""
    ready = ConnectedAccount.objects.filter(
        owner=OuterRef("owner"), transfers_status="active", closed_at=None
    )
    waiting = Payout.objects.filter(Exists(ready), status=Status.REQUESTED)
    return sum(
        send(pk, now=now) for pk in waiting.order_by("pk").values_list("pk", flat=True)[:limit]
    )


@transaction.atomic
def send(payout_id: int, *, now: datetime) -> bool:
    """Plan the transfer of a requested payout; return False if it is on its way, or cannot be."""
    payout = _locked(payout_id)
    account = ConnectedAccount.objects.filter(owner=payout.owner_id).first()
    if payout.status != Status.REQUESTED or account is None or not account.is_ready:
        return False
    if outbox.in_flight(SCHEDULE, account.pk) or coins.payable(payout.amount) != payout.amount:
        return False  # the provider would send it on by itself; or no bank can be paid that
    _move(payout, Status.SENDING)
    outbox.plan(
        kind=TRANSFER,
        subject_id=payout.pk,
        request={
            "amount": coins.to_stripe(payout.amount),
            "currency": payout.currency.lower(),
            "destination": account.stripe_account_id,
            "transfer_group": f"payout_{payout.requested_at:%Y-%m-%d}",
            "metadata": {"payout": str(payout.pk)},
        },
        now=now,
    )
    return True


def request_due(*, now: datetime) -> int:
    """Ask for what workers with a ready account have earned, from a small sum on; return how many.

    Runs once a day. Whoever asks gets paid less than that, too. Twice at once asks for nothing
    twice: what was asked for is no longer in the earnings.
    """
    return sum(_request_all_of(account, now) for account in _earned())


def _earned() -> Iterator[Account]:
    """The earnings that are paid without being asked for."""
    ready = ConnectedAccount.objects.filter(
        owner=OuterRef("owner"), transfers_status="active", closed_at=None
    )
    earned = Account.objects.filter(
        Exists(ready), purpose=Account.Purpose.EARNINGS, balance_minor__gt=0, closed_at=None
    ).order_by("pk")
    for digits, minimum in AUTOMATIC_MINOR.items():
        currencies = [code for code, known in MINOR_DIGITS.items() if known == digits]
        enough = earned.filter(
            currency__in=currencies, balance_minor__gte=F("held_minor") + minimum
        )
        yield from enough.iterator(chunk_size=500)


def _request_all_of(account: Account, now: datetime) -> bool:
    amount = coins.payable(account.available)
    if not amount.minor:
        return False
    try:
        request(owner_id=account.owner_id or 0, amount=amount, now=now)
    except InsufficientFunds:
        return False  # somebody has asked meanwhile
    return True


@transaction.atomic
def transferred(payout_id: int, *, transfer_id: str, now: datetime) -> None:
    """Note that the money is in the worker's account, and plan its way to the bank.

    Saying so again changes nothing. Another transfer for the same payout is an incident, as is one
    nobody asked for: it moves nothing in the books.
    """
    payout = _locked(payout_id)
    if payout.transfer_id == transfer_id:
        return
    if payout.status != Status.SENDING:
        _not_asked_for(payout, transfer_id, now)
        return
    payout.transfer_id = transfer_id
    _move(payout, Status.SENT)
    transit = accounts.payouts_in_transit(payout.owner_id, payout.currency)
    connected = accounts.connected(payout.owner_id, payout.currency)
    funds = accounts.connected_funds(payout.currency)
    available = accounts.provider_available(payout.currency)
    ledger.post_all(
        [
            _posting(payout, "sent", Kind.SENT, transit, connected),
            _posting(payout, "sent_funds", Kind.SENT_FUNDS, funds, available),
        ],
        now=now,
    )
    _plan_bank(payout, now, after=timedelta(0))


def _not_asked_for(payout: Payout, transfer_id: str, now: datetime) -> None:
    details = {
        "payout": payout.pk,
        "status": payout.status,
        "first": payout.transfer_id,
        "currency": payout.currency,
        "unbooked_minor": -payout.amount_minor,
    }
    incidents.raise_incident("duplicate_transfer", transfer_id, details, now)


def _plan_bank(payout: Payout, now: datetime, *, after: timedelta) -> None:
    account = ConnectedAccount.objects.get(owner=payout.owner_id)
    outbox.plan(
        kind=PAY,
        subject_id=payout.pk,
        request={
            "amount": coins.to_stripe(payout.amount),
            "currency": payout.currency.lower(),
            "metadata": {"payout": str(payout.pk), "try": str(payout.tries + 1)},
        },
        stripe_account=account.stripe_account_id or "",
        now=now,
        after=after,
    )


@transaction.atomic
def on_the_way(payout_id: int, *, reference: str, attempt: int) -> None:
    """Note that the provider has started to pay the bank, at this attempt and under this name.

    Saying so again, or of an attempt that is over, changes nothing.
    """
    payout = _locked(payout_id)
    if payout.status in {Status.SENT, Status.RETURNED} and attempt == payout.tries + 1:
        payout.reference, payout.tries = reference, attempt
        _move(payout, Status.PAYING)


@transaction.atomic
def arrived(payout_id: int, *, reference: str, now: datetime) -> None:
    """Note that the bank has the money; again, or of an earlier try, changes nothing."""
    payout = _locked(payout_id)
    if payout.status != Status.PAYING or payout.reference != reference:
        return
    payout.settled_at = now
    _move(payout, Status.PAID)
    connected = accounts.connected(payout.owner_id, payout.currency)
    funds = accounts.connected_funds(payout.currency)
    key = f"withdraw:{payout.pk}:{payout.tries}"
    ledger.post(_posting(payout, key, Kind.WITHDRAW, connected, funds, whole_key=True), now=now)


@transaction.atomic
def came_back(payout_id: int, *, reference: str, why: str, now: datetime) -> None:
    """Note that the bank refused or returned the money, perhaps after it had confirmed it.

    It is in the worker's account again, and tried again a day later; after some tries it waits
    for a human. Saying so again changes nothing.
    """
    payout = _locked(payout_id)
    if payout.status not in {Status.PAYING, Status.PAID} or payout.reference != reference:
        return
    if payout.status == Status.PAID:
        connected = accounts.connected(payout.owner_id, payout.currency)
        funds = accounts.connected_funds(payout.currency)
        key = f"withdraw_return:{payout.pk}:{payout.tries}"
        back = _posting(payout, key, Kind.WITHDRAW_RETURN, funds, connected, whole_key=True)
        ledger.post(back, now=now)
    payout.settled_at, payout.failure = None, why[:200]
    _move(payout, Status.RETURNED)
    _try_again(payout, now, after=BANK_WAIT)


def _try_again(payout: Payout, now: datetime, *, after: timedelta) -> None:
    if payout.tries < BANK_TRIES:
        _plan_bank(payout, now, after=after)
        return
    details = {"payout": payout.pk, "tries": payout.tries, "failure": payout.failure}
    incidents.raise_incident(
        kind="payout_returned", subject=f"payout {payout.pk}", details=details, now=now
    )


@transaction.atomic
def retry_returned(owner_id: int, *, now: datetime) -> int:
    """Pay what waits in the worker's account at once: their bank account or status has changed.

    Returns how many payouts that is.
    """
    stuck = Payout.objects.filter(owner=owner_id, status__in=[Status.SENT, Status.RETURNED])
    payouts = list(stuck.order_by("pk").select_for_update(no_key=True))
    calls = StripeOperation.objects.filter(kind=PAY, subject_id__in=[each.pk for each in payouts])
    planned = calls.filter(state=StripeOperation.State.PLANNED, next_try_at__gt=now)
    hurried = planned.update(next_try_at=now)
    known = set(calls.filter(state__in=outbox.IN_FLIGHT).values_list("subject_id", flat=True))
    for payout in payouts:
        if payout.pk not in known:
            _plan_bank(payout, now, after=timedelta(0))
            hurried += 1
    return hurried


@transaction.atomic
def settle_paid(*, payout_id: int, reference: str, now: datetime) -> Payout:
    """Note that the owner was paid by hand; ``reference`` is what the bank calls the payment.

    For those who have no account at the provider. Saying so again changes nothing.

    Raises:
        InvalidReference: ``reference`` is empty, too long or not printable.
        PayoutSettled: the payout has failed, or the provider has it.
    """
    check_reference(reference)
    payout = _locked(payout_id)
    if payout.status == Status.PAID and not payout.transfer_id:
        return payout
    if payout.status != Status.REQUESTED:
        raise PayoutSettled
    payout.reference, payout.settled_at = reference, now
    _move(payout, Status.PAID)
    transit = accounts.payouts_in_transit(payout.owner_id, payout.currency)
    world = accounts.world(payout.currency)
    ledger.post(_posting(payout, "withdraw", Kind.WITHDRAW, transit, world), now=now)
    return payout


@transaction.atomic
def fail(*, payout_id: int, now: datetime, why: str = "") -> Payout:
    """Return the money to the owner's earnings: nobody has it yet, and nobody will send it.

    Saying so again changes nothing. Raises ``PayoutSettled`` if it was sent or paid.
    """
    payout = _locked(payout_id)
    if payout.status == Status.FAILED:
        return payout
    if payout.status not in {Status.REQUESTED, Status.SENDING}:
        raise PayoutSettled
    payout.settled_at, payout.failure = now, why[:200]
    _move(payout, Status.FAILED)
    transit = accounts.payouts_in_transit(payout.owner_id, payout.currency)
    earnings = accounts.earnings_of(payout.owner_id, payout.currency)
    ledger.post(_posting(payout, "payout_return", Kind.PAYOUT_RETURN, transit, earnings), now=now)
    return payout


def _posting(
    payout: Payout,
    key: str,
    kind: Kind,
    source: Account,
    target: Account,
    *,
    whole_key: bool = False,
) -> Posting:
    return Posting(
        key=key if whole_key else f"{key}:{payout.pk}",
        kind=kind,
        source_id=source.pk,
        target_id=target.pk,
        amount=payout.amount,
    )


def _locked(payout_id: int) -> Payout:
    return Payout.objects.select_for_update(no_key=True).get(pk=payout_id)


def _move(payout: Payout, status: Payout.Status) -> None:
    """Change the status of a locked payout, and save what was set on it."""
    if status not in Payout.MOVES.get(Status(payout.status), set()):
        raise PayoutSettled
    payout.status = status
    payout.save()
