"""Step 1, publish: a requester's rows become tasks, and their budget goes into escrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from payments import accounts, debts, disputes
from payments.errors import CurrencyMismatch, RequesterFrozen
from payments.money import Money, fee_on
from tasks import escrow, uploads
from tasks.compensation import floor, pauses, pilot, raises, wage
from tasks.compensation.floor import Terms
from tasks.errors import EmptyBatch, IllegalTransition, InvalidPolicy
from tasks.models import Batch, Cursor
from tasks.models.cursor import START
from tasks.rows import Row
from tasks.uploads import Rejected, Upload
from workers import events
from workers.models import User


class Quote(NamedTuple):
    """What a batch would cost, before anything is committed."""

    tasks: int
    gold: int
    answers: int  # gold included
    rewards: Money
    fees: Money
    reserve: Money  # for top-ups, beside what the answers cost; what is not needed comes back
    terms: Terms | None  # what is owed at least, and for what time; None without a floor
    total: Money  # with the reserve
    wallet: Money  # what the requester has
    missing: Money  # what has to be deposited first


@transaction.atomic
def add_tasks(
    *,
    batch: Batch,
    rows: Iterable[Row | Rejected],
    draw: Callable[[int], int],
    now: datetime,
) -> Upload:
    """Put rows into a batch, all of the acceptable ones or, if anything fails, none.

    ``draw(bits)`` gives random integers: tasks are served in random order. A batch that is
    already published grows, and its budget with it.

    Raises:
        BudgetTooSmall: the batch is adaptive and its cap does not pay for the rows' first answers.
        IllegalTransition: the batch is closing or closed.
        InsufficientFunds: the batch is published and the wallet cannot pay for the rows.
    """
    upload = uploads.insert(batch, rows, draw)
    # Locked only now: until the commit nobody sees the rows, and claims never wait for this.
    batch = _locked(batch)
    if batch.status in {Batch.Status.CLOSING, Batch.Status.CLOSED}:
        raise IllegalTransition(f"A batch that is {batch.status} takes no more tasks.")
    batch.grow(tasks=upload.tasks, gold=upload.gold, slots=upload.slots)
    if batch.status != Batch.Status.DRAFT:
        escrow.fund(batch, upload.slots + escrow.raise_gold(batch), now=now)
        floor.begin_pilot(batch)
        Batch.objects.filter(pk=batch.pk).update(low_water=START)
        if upload.gold:
            # Those who have seen all gold look again.
            Cursor.objects.filter(batch=batch).update(gold_rest_until=None)
    return upload


def quote(batch: Batch, *, now: datetime) -> Quote:
    """Say what publishing would cost, gold, fee and reserve included, and what is missing.

    Raises ``FloorMissing`` where the batch could not be published for want of a wage floor.
    """
    cost = escrow.cost(batch)
    answers = cost.minor // batch.unit.minor
    terms = floor.terms_of(batch, on=now.date())
    reserve = terms.reserve_each * answers if terms else Money(0, batch.currency)
    requester_id = batch.project.requester_id
    wallet = accounts.wallet_of(requester_id, batch.currency).available
    needed = max(0, cost.minor - batch.budget_minor) + max(0, reserve.minor - batch.reserve_minor)
    if needed:  # what is owed is collected first
        needed += debts.owed(requester_id, batch.currency).minor
    return Quote(
        tasks=batch.task_count,
        gold=batch.gold_count,
        answers=answers,
        rewards=batch.reward * answers,
        fees=Money(batch.fee_minor * answers, batch.currency),
        reserve=reserve,
        terms=terms,
        total=cost + reserve,
        wallet=wallet,
        missing=Money(max(0, needed - wallet.minor), batch.currency),
    )


@transaction.atomic
def publish(*, batch: Batch, actor: User, now: datetime) -> Batch:
    """Open a draft, fully funded: its cost moves from the requester's wallet into escrow.

    With it comes the reserve that raises its pay to the wage floor. What the requester owes the
    platform is collected first.

    Raises:
        BudgetTooSmall: an adaptive batch's cap does not pay for the first answers.
        DeadlineTooShort: workers have less than three times what the work takes.
        EmptyBatch: there is nothing to answer.
        FloorMissing: no wage floor is in force in the batch's currency, and one is demanded.
        IllegalTransition: the batch is not a draft.
        InsufficientFunds: the wallet holds less than the batch costs.
        RequesterFrozen: a payment of theirs is disputed.
        RewardBelowFloor: the reward pays less than the wage floor.
    """
    batch = _locked(batch)
    if batch.status != Batch.Status.DRAFT:
        raise IllegalTransition(f"A batch that is {batch.status} cannot be published.")
    if not batch.task_count:
        raise EmptyBatch
    _refuse_frozen(batch)
    floor.promise(batch, now=now)
    debts.collect(owner_id=batch.project.requester_id, currency=batch.currency, now=now)
    batch.move_to(Batch.Status.OPEN, published_at=now, escrow=accounts.open_escrow(batch.currency))
    escrow.fund(batch, batch.slot_count + escrow.raise_gold(batch), now=now)
    money: dict[str, int | str] = {"budget_minor": batch.budget_minor, "currency": batch.currency}
    if batch.floor_minor is not None:
        money |= {"reserve_minor": batch.reserve_minor, "floor_minor": batch.floor_minor}
    _record("published", batch, actor, now, **money)
    return Batch.objects.select_related("project", "escrow").get(pk=batch.pk)


@transaction.atomic
def raise_budget(*, batch: Batch, budget: Money, actor: User, now: datetime) -> Batch:
    """Let an adaptive batch cost more than it might until now; at once, if it is published.

    Raises:
        CurrencyMismatch: the budget is in another currency than the batch.
        IllegalTransition: the batch is closing or closed, or its overlap is fixed.
        InsufficientFunds: the wallet holds less than the difference.
        InvalidPolicy: the budget is nothing, or lower than what the batch may cost already.
    """
    batch = _locked(batch)
    if not batch.is_adaptive or batch.status in {Batch.Status.CLOSING, Batch.Status.CLOSED}:
        raise IllegalTransition("Only an adaptive batch that is not closing takes a new budget.")
    if budget.currency != batch.currency:
        raise CurrencyMismatch
    before = escrow.cost(batch) if batch.status == Batch.Status.DRAFT else batch.budget
    if budget.minor <= 0 or budget.minor < before.minor:
        raise InvalidPolicy(f"The budget is {before} already, and can only be raised.")
    Batch.objects.filter(pk=batch.pk).update(cap_minor=budget.minor)
    batch.cap_minor = budget.minor
    if batch.status != Batch.Status.DRAFT:
        escrow.fund(batch, 0, now=now)
        floor.begin_pilot(batch)
        # Look again, though no answer is new: there is money for more now.
        Batch.objects.filter(pk=batch.pk).update(decide_after=None, decided_answers=0)
    _record("budget_raised", batch, actor, now, budget_minor=budget.minor)
    return batch


@transaction.atomic
def raise_reward(
    *,
    batch: Batch,
    reward: Money,
    actor: User,
    now: datetime,
    fee_basis_points: int | None = None,
) -> Batch:
    """Pay more for every answer that is not decided or not paid yet, and for all still to come.

    The fee keeps its share of the reward: ``fee_basis_points`` if the batch's fee was reckoned by
    them, or else what it is of the reward by now. A published batch brings the difference.

    Raises:
        BudgetTooSmall: the batch is adaptive: raise its budget first.
        CurrencyMismatch: the reward is in another currency than the batch.
        IllegalTransition: the batch is closing or closed.
        InsufficientFunds: the wallet holds less than the difference.
        InvalidPolicy: the reward is not higher than it was.
    """
    raises.wait_for_returns(batch.pk)
    # Claims share the row's key: those under way end before this, and later ones see the reward.
    rows = Batch.objects.select_for_update(of=("self",)).select_related("project")
    batch = rows.get(pk=batch.pk)
    if batch.status in {Batch.Status.CLOSING, Batch.Status.CLOSED}:
        raise IllegalTransition(f"A batch that is {batch.status} takes no new reward.")
    if reward.currency != batch.currency:
        raise CurrencyMismatch
    if reward.minor <= batch.reward_minor:
        raise InvalidPolicy(f"The reward is {batch.reward} already, and can only be raised.")
    before, fee_minor = batch.reward_minor, _fee_like(batch, reward.minor, fee_basis_points)
    if batch.status == Batch.Status.DRAFT:
        Batch.objects.filter(pk=batch.pk).update(reward_minor=reward.minor, fee_minor=fee_minor)
    else:
        raises.reprice(batch, reward, fee_minor, now=now)
    _record("reward_raised", batch, actor, now, reward_minor=reward.minor, before_minor=before)
    return Batch.objects.select_related("project", "escrow").get(pk=batch.pk)


def _fee_like(batch: Batch, reward_minor: int, basis_points: int | None) -> int:
    """The fee on a new reward at the rate of the batch's fee."""
    if basis_points is not None and fee_on(batch.reward_minor, basis_points) == batch.fee_minor:
        return fee_on(reward_minor, basis_points)
    return (2 * reward_minor * batch.fee_minor + batch.reward_minor) // (2 * batch.reward_minor)


def _refuse_frozen(batch: Batch) -> None:
    if disputes.is_frozen(batch.project.requester_id):
        raise RequesterFrozen


def _locked(batch: Batch) -> Batch:
    """Read the batch anew, and let nobody else change it until the transaction ends."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    return locked.get(pk=batch.pk)


@transaction.atomic
def pause(*, batch: Batch, actor: User, now: datetime) -> None:
    """Stop handing tasks out; what is claimed may still be submitted.

    Raises:
        IllegalTransition: the batch is not open.
    """
    batch.move_to(Batch.Status.PAUSED)
    _record("paused", batch, actor, now)


@transaction.atomic
def resume(*, batch: Batch, actor: User, now: datetime) -> None:
    """Hand tasks out again, if what the marketplace held the batch up for is gone.

    Raises:
        IllegalTransition: the batch is not paused.
        InsufficientFunds: the wallet cannot pay for what the reserve lacks.
        RequesterFrozen: a payment of the requester's is disputed.
        RewardBelowFloor: the reward is still too low for what the work takes.
    """
    batch = _locked(batch)
    if batch.status != Batch.Status.PAUSED:
        raise IllegalTransition(f"A batch that is {batch.status} cannot be resumed.")
    _refuse_frozen(batch)  # also a batch that its requester paused
    if batch.paused_for:
        if batch.paused_for in {pauses.BELOW_FLOOR, pauses.FUNDS}:
            pilot.resume(batch, now=now)
        if batch.paused_for == pauses.RESERVE_LOW:
            wage.refill(batch, now=now)
        pauses.clear(batch)
    batch.move_to(Batch.Status.OPEN)
    _record("resumed", batch, actor, now)


@transaction.atomic
def close(*, batch: Batch, actor: User, now: datetime) -> None:
    """Withdraw what nobody has claimed; the settle job pays what was answered and refunds the rest.

    Raises:
        IllegalTransition: the batch is a draft, or is closing already.
    """
    batch.move_to(Batch.Status.CLOSING)
    _record("closing", batch, actor, now)


def pause_frozen(*, now: datetime) -> int:
    """Pause the open batches of requesters whose payments are disputed; return how many.

    Workers are paid for what they hold. Running twice or at once pauses each batch once.
    """
    paused = 0
    open_now = Batch.objects.filter(
        status=Batch.Status.OPEN, project__requester__in=disputes.frozen_owners()
    )
    for batch in list(open_now.order_by("pk")):
        with transaction.atomic():
            locked = _locked(batch)
            if locked.status == Batch.Status.OPEN:
                pauses.hold_up(locked, pauses.DISPUTE, now=now)
                paused += 1
    return paused


def _record(kind: str, batch: Batch, actor: User, now: datetime, **data: int | str) -> None:
    events.record(
        kind=f"batch_{kind}",
        subject_kind="batch",
        subject_id=batch.pk,
        actor=actor,
        at=now,
        data=data,
    )
