"""Step 1, publish: a requester's rows become tasks, and their budget goes into escrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection, transaction

from payments import accounts
from payments.errors import CurrencyMismatch
from payments.money import Money
from tasks import escrow
from tasks.errors import EmptyBatch, IllegalTransition, InvalidPolicy
from tasks.models import Batch, Cursor
from tasks.models.cursor import START
from tasks.models.task import POSITION_BITS, Lane, position_of
from tasks.rows import Row
from workers import events
from workers.models import User, Worker

CHUNK = 5_000  # rows held in memory at once
REJECTED_SHOWN = 1_000  # rejected rows named in the answer; all are counted


class Rejected(NamedTuple):
    """A row that did not become a task."""

    row: int  # counted from 1
    reason: str


@dataclass(slots=True)
class Upload:
    """What became of an upload."""

    tasks: int = 0
    gold: int = 0
    slots: int = 0
    rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)

    def reject(self, rejected: Rejected) -> None:
        """Count a refused row, and remember the first ones."""
        self.rejected += 1
        if len(self.rejections) < REJECTED_SHOWN:
            self.rejections.append(rejected)


class Quote(NamedTuple):
    """What a batch would cost, before anything is committed."""

    tasks: int
    gold: int
    answers: int  # gold included
    rewards: Money
    fees: Money
    total: Money
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
    upload = Upload()
    people: dict[str, int | None] = {}
    for chunk in _chunks(batch, rows, upload):
        _insert(batch, _with_authors(chunk, people, upload), upload, draw)
    # Locked only now: until the commit nobody sees the rows, and claims never wait for this.
    batch = _locked(batch)
    if batch.status in {Batch.Status.CLOSING, Batch.Status.CLOSED}:
        raise IllegalTransition(f"A batch that is {batch.status} takes no more tasks.")
    batch.grow(tasks=upload.tasks, gold=upload.gold, slots=upload.slots)
    if batch.status != Batch.Status.DRAFT:
        escrow.fund(batch, upload.slots + escrow.raise_gold(batch), now=now)
        Batch.objects.filter(pk=batch.pk).update(low_water=START)
        if upload.gold:
            # Those who have seen all gold look again.
            Cursor.objects.filter(batch=batch).update(gold_rest_until=None)
    return upload


def _chunks(
    batch: Batch, rows: Iterable[Row | Rejected], upload: Upload
) -> Iterator[list[tuple[int, Row]]]:
    """Good rows in chunks, numbered from 1; refused ones go into ``upload``."""
    must_be_known = batch.purpose != Batch.Purpose.WORK
    numbered = enumerate(rows, start=1)
    while piece := list(islice(numbered, CHUNK)):
        good = []
        for number, row in piece:
            if isinstance(row, Rejected):
                upload.reject(row)
            elif must_be_known and row.gold is None:
                why = f"gold: every row of a batch for {batch.purpose} needs its known answer."
                upload.reject(Rejected(number, why))
            else:
                good.append((number, row))
        yield good


def _with_authors(
    chunk: list[tuple[int, Row]], people: dict[str, int | None], upload: Upload
) -> list[tuple[Row, int | None]]:
    """Pair each row with its author's person, refusing authors nobody knows."""
    unknown = {row.author for _, row in chunk} - people.keys()
    if unknown - {""}:
        found = Worker.objects.filter(public_id__in=unknown)
        people.update(
            dict.fromkeys(unknown), **dict(found.values_list("public_id", "user__person"))
        )
    people[""] = None
    pairs = []
    for number, row in chunk:
        if row.author and people[row.author] is None:
            upload.reject(Rejected(number, f"author: there is no worker {row.author!r}."))
        else:
            pairs.append((row, people[row.author]))
    return pairs


def _insert(
    batch: Batch, pairs: list[tuple[Row, int | None]], upload: Upload, draw: Callable[[int], int]
) -> None:
    """Copy one chunk of rows into the tables.

    Gold is hidden among other tasks in a lane of its own. In a training or exam, where every
    answer is known, its tasks are served like any others.
    """
    tasks, inputs, golds, hidden = [], [], [], 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval('tasks_task_id_seq') FROM generate_series(1, %s)", [len(pairs)]
        )
        ids = [row[0] for row in cursor.fetchall()]
        for pk, (row, author) in zip(ids, pairs, strict=True):
            is_gold = row.gold is not None and batch.purpose == Batch.Purpose.WORK
            hidden += is_gold
            overlap = 0 if is_gold else row.overlap or batch.first_overlap
            lane = Lane.GOLD.value if is_gold else Lane.NORMAL.value
            position = position_of(0 if is_gold else row.priority, draw(POSITION_BITS))
            tasks.append(
                (
                    pk,
                    batch.pk,
                    lane,
                    position,
                    overlap,
                    overlap,
                    not is_gold,
                    author,
                    row.expires_at,
                )
            )
            inputs.append((pk, row.input, row.external_id))
            if row.gold is not None:
                golds.append((pk, row.gold, row.explanation))
            upload.slots += overlap
        for statement, rows in ((COPY_TASKS, tasks), (COPY_INPUTS, inputs), (COPY_GOLD, golds)):
            with cursor.copy(statement) as copy:
                for each in rows:
                    copy.write_row(each)
    upload.gold += hidden
    upload.tasks += len(tasks) - hidden


COPY_TASKS = """
COPY tasks_task (id, batch_id, lane, position, overlap, remaining_overlap, is_open, author_id,
                 expires_at) FROM STDIN
"""
COPY_INPUTS = "COPY tasks_taskinput (task_id, data, external_id) FROM STDIN"
COPY_GOLD = "COPY tasks_gold (task_id, answer, explanation) FROM STDIN"


def analyze() -> None:
    """Refresh the planner's statistics after a large upload, so that claims keep their plan."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task, tasks_taskinput, tasks_assignment")


def quote(batch: Batch) -> Quote:
    """Say what publishing would cost, gold and fee included, and what is missing."""
    total = escrow.cost(batch)
    answers = total.minor // batch.unit.minor
    wallet = accounts.wallet_of(batch.project.requester_id, batch.currency).available
    needed = total.minor - batch.budget_minor
    return Quote(
        tasks=batch.task_count,
        gold=batch.gold_count,
        answers=answers,
        rewards=batch.reward * answers,
        fees=Money(batch.fee_minor * answers, batch.currency),
        total=total,
        wallet=wallet,
        missing=Money(max(0, needed - wallet.minor), batch.currency),
    )


@transaction.atomic
def publish(*, batch: Batch, actor: User, now: datetime) -> Batch:
    """Open a draft, fully funded: its cost moves from the requester's wallet into escrow.

    Raises:
        BudgetTooSmall: an adaptive batch's cap does not pay for the first answers.
        EmptyBatch: there is nothing to answer.
        IllegalTransition: the batch is not a draft.
        InsufficientFunds: the wallet holds less than the batch costs.
    """
    batch = _locked(batch)
    if batch.status != Batch.Status.DRAFT:
        raise IllegalTransition(f"A batch that is {batch.status} cannot be published.")
    if not batch.task_count:
        raise EmptyBatch
    batch.move_to(Batch.Status.OPEN, published_at=now, escrow=accounts.open_escrow(batch.currency))
    escrow.fund(batch, batch.slot_count + escrow.raise_gold(batch), now=now)
    money: dict[str, int | str] = {"budget_minor": batch.budget_minor, "currency": batch.currency}
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
        # Look again, though no answer is new: there is money for more now.
        Batch.objects.filter(pk=batch.pk).update(decide_after=None, decided_answers=0)
    _record("budget_raised", batch, actor, now, budget_minor=budget.minor)
    return batch


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
    """Hand tasks out again.

    Raises:
        IllegalTransition: the batch is not paused.
    """
    if batch.status != Batch.Status.PAUSED:
        raise IllegalTransition(f"A batch that is {batch.status} cannot be resumed.")
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


def _record(kind: str, batch: Batch, actor: User, now: datetime, **data: int | str) -> None:
    events.record(
        kind=f"batch_{kind}",
        subject_kind="batch",
        subject_id=batch.pk,
        actor=actor,
        at=now,
        data=data,
    )
