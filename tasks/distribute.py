"""Step 2, distribute: hand each worker the task that most wants them."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from tasks import claim_sql, escrow, pilot_claims, reopen
from tasks.checks import overrides
from tasks.errors import OwnBatch, Paused, TooManyLiveAssignments
from tasks.models import Assignment, Batch, Cursor, Task
from tasks.models.task import POSITION_BITS
from workers import content, qualify, requirements
from workers.errors import ContentNotAgreed, RestDue
from workers.models import User, Worker

COUNT_MAX = 20  # assignments in one claim
URGENT_WINDOW = 64  # returned tasks looked at per claim, whether or not this worker may have them
WHOLE_LANE = 2**31 - 1
GOLD_REST = timedelta(minutes=10)  # after a draw that found no gold this worker has not seen
RESCAN_SECONDS_MAX = 600
RETRY_SECONDS_MAX = 30
RETRY_SECONDS_ADAPTIVE = 2
RETRY_SECONDS_PILOT = 5  # when all claims of a pilot are taken
GRACE = timedelta(seconds=30)  # an answer that is under way at the deadline still counts


class Claimed(NamedTuple):
    """One assignment as the worker needs it, without a second query."""

    id: int
    batch_id: int
    task_id: int
    input: dict[str, Any]
    version_id: int
    deadline_at: datetime
    reward_minor: int
    currency: str
    suggestion: dict[str, Any] | None = None  # a model's answer, to be corrected


class Handout(NamedTuple):
    """What a claim gave: assignments, or, when there are none, when to ask again."""

    assignments: list[Claimed]
    retry_after_seconds: int


@dataclass(frozen=True, slots=True)
class Stand:
    """A locked cursor with all that a claim must know: one row of ``claim_sql.STAND``."""

    cursor: int
    position: int
    gold_position: int
    gold_rest_until: datetime | None
    rescan_at: datetime | None
    rescan_seconds: int
    eligible: bool
    requirements_version: int
    qualifications_version: int
    status: str
    low_water: int
    max_live_assignments: int
    gold_rate: float
    gold_count: int
    paused_until: datetime | None
    is_adaptive: bool
    version_id: int
    currency: str
    reward_minor: int
    fee_minor: int
    assignment_duration: timedelta
    suggests: bool
    is_pilot: bool
    rest_until: datetime | None


class Wish(NamedTuple):
    """What a claim asks for."""

    batch: int
    worker: int
    wanted: int
    now: datetime


def claim(
    *, batch_id: int, worker: Worker, count: int = 1, now: datetime, draw: Callable[[], float]
) -> Handout:
    """Assign ``worker`` up to ``count`` tasks of a batch until ``now`` + the batch's duration.

    ``draw`` gives uniform random numbers in [0, 1): it decides which claims are gold. An empty
    handout means that nothing is open to this worker now; tasks locked by other claims count as
    not open. Nothing here waits for another worker, scans what the worker has done, or touches
    a row that all claims share.

    Raises:
        Batch.DoesNotExist: there is no such published batch.
        OwnBatch, NotQualified, Blocked, WorkerNotActive, ContentNotAgreed: this worker may not
            work on it.
        RestDue: they have worked a long day.
        Paused: a rule keeps them from claiming here for a while.
        TooManyLiveAssignments: they hold as many as the batch allows.
    """
    try:
        with transaction.atomic():
            stand = _stand(batch_id, worker, draw)
            if stand.status != Batch.Status.OPEN:
                return Handout([], 60)
            _check_time(stand, now)
            if not stand.eligible:
                check_eligible(batch_id=batch_id, worker=worker)
            wish = Wish(batch_id, worker.pk, min(count, COUNT_MAX), now)
            return (_take_pilot if stand.is_pilot else _take)(stand, wish, draw)
    except IntegrityError as error:
        # Two accounts of one person reached for the same task at once: the database let one win.
        if "assignment_once_per_person" not in str(error):
            raise
        return Handout([], 1)


def _check_time(stand: Stand, now: datetime) -> None:
    if stand.rest_until is not None and now < stand.rest_until:
        raise RestDue(stand.rest_until)
    if stand.paused_until is not None and now < stand.paused_until:
        raise Paused(stand.paused_until)


def check_eligible(*, batch_id: int, worker: Worker) -> None:
    """Say whether ``worker`` may work on a batch, by the rules and qualifications of this moment.

    Raises:
        OwnBatch, NotQualified, Blocked, WorkerNotActive, ContentNotAgreed: why not.
    """
    # The person is read here, not from ``worker``: people.link may have changed it meanwhile.
    own = User.objects.filter(worker=worker.pk, person=OuterRef("project__requester__person"))
    asked, warnings, requester_id, is_own = Batch.objects.values_list(
        "requirements", "content_warnings", "project__requester_id", Exists(own)
    ).get(pk=batch_id)
    if is_own:
        raise OwnBatch
    qualify.eligible(
        worker=worker, requester_id=requester_id, requirements=requirements.parse(asked)
    )
    if not content.covers(worker.pk, warnings):
        raise ContentNotAgreed(warnings)


def _stand(batch_id: int, worker: Worker, draw: Callable[[], float]) -> Stand:
    """Lock the worker's cursor in the batch, making it at their first claim."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(claim_sql.STAND, {"batch": batch_id, "worker": worker.pk})
            row = cursor.fetchone()
        if row:
            return Stand(*row)
        Batch.objects.published().only("pk").get(pk=batch_id)
        check_eligible(batch_id=batch_id, worker=worker)
        Cursor.objects.bulk_create(
            [
                Cursor(
                    batch_id=batch_id,
                    worker=worker,
                    pseudonym=f"W{secrets.token_hex(5).upper()}",
                    gold_position=int(draw() * 2**POSITION_BITS),
                    paused_until=overrides.inherited_pause(batch_id=batch_id, worker=worker),
                )
            ],
            ignore_conflicts=True,
        )


def _take_pilot(stand: Stand, wish: Wish, draw: Callable[[], float]) -> Handout:
    """Take no more than is left of the batch's pilot, and count it."""
    left = pilot_claims.lock(wish.batch)
    if left is None:
        return Handout([], 1)
    if left <= 0:
        return Handout([], RETRY_SECONDS_PILOT)
    handout = _take(stand, wish._replace(wanted=min(wish.wanted, left)), draw)
    if handout.assignments:
        pilot_claims.add(wish.batch, -len(handout.assignments))
    return handout


def _take(stand: Stand, wish: Wish, draw: Callable[[], float]) -> Handout:
    """Take up to ``count`` tasks ahead of the cursor; if there are none, look behind it once."""
    rested = stand.gold_rest_until is None or wish.now >= stand.gold_rest_until
    may_have_gold = stand.gold_count > 0 and rested
    gold = sum(draw() < stand.gold_rate for _ in range(wish.wanted)) if may_have_gold else 0
    found = _run(stand, wish, gold=gold)
    if not found and (stand.rescan_at is None or wish.now >= stand.rescan_at):
        # Tasks that others had locked in passing, or that came later, lie behind the cursor.
        # Looking for them walks all that this worker has seen, so it is done ever more rarely.
        seconds = min(max(1, stand.rescan_seconds * 2), RESCAN_SECONDS_MAX)
        stand = replace(
            stand,
            position=stand.low_water,
            rescan_at=wish.now + timedelta(seconds=seconds),
            rescan_seconds=seconds,
        )
        found = _run(stand, wish, gold=0, window=WHOLE_LANE)
    if found:
        return Handout(found, 0)
    assert stand.rescan_at is not None  # set by the look behind the cursor
    wait = round((stand.rescan_at - wish.now).total_seconds())
    # The next look at an adaptive batch, about a second away, may open slots ahead of everybody.
    longest = RETRY_SECONDS_ADAPTIVE if stand.is_adaptive else RETRY_SECONDS_MAX
    return Handout([], min(max(1, wait), longest))


def _run(stand: Stand, wish: Wish, *, gold: int, window: int = URGENT_WINDOW) -> list[Claimed]:
    """Execute ``claim_sql.TAKE`` for a locked cursor; up to ``gold`` of the tasks are gold."""
    deadline_at = wish.now + stand.assignment_duration
    asked: dict[str, Any] = {
        "batch": wish.batch,
        "worker": wish.worker,
        "cursor": stand.cursor,
        "position": stand.position,
        "gold_position": stand.gold_position,
        "gold_rest_until": wish.now + GOLD_REST,
        "gold": gold,
        "count": wish.wanted,
        "cap": stand.max_live_assignments,
        "urgent_window": window,
        "reward": stand.reward_minor,
        "fee": stand.fee_minor,
        "now": wish.now,
        "deadline": deadline_at,
        "rescan_at": stand.rescan_at,
        "rescan_seconds": stand.rescan_seconds,
        "requirements_version": stand.requirements_version,
        "qualifications_version": stand.qualifications_version,
        "suggests": stand.suggests,
    }
    with connection.cursor() as cursor:
        cursor.execute(claim_sql.TAKE, asked)
        rows = cursor.fetchall()
    if rows[0][0] == 0:
        raise TooManyLiveAssignments
    return [
        Claimed(
            id=assignment,
            batch_id=wish.batch,
            task_id=task,
            input=_parsed(data),
            version_id=stand.version_id,
            deadline_at=deadline_at,
            reward_minor=stand.reward_minor,
            currency=stand.currency,
            suggestion=_parsed(suggestion),
        )
        for _, assignment, task, data, suggestion in rows
        if assignment is not None
    ]


def _parsed(found: Any) -> Any:
    return json.loads(found) if isinstance(found, str) else found


def expire_overdue(*, now: datetime, limit: int = 500) -> int:
    """Expire up to ``limit`` overdue assignments and return their slots; return how many.

    An answer is taken for as long as its assignment has not been expired, so a worker who is
    seconds late loses nothing: ``GRACE`` passes before the sweep comes.
    """
    with transaction.atomic():
        overdue = Assignment.objects.overdue(now - GRACE).order_by("deadline_at")
        rows = list(
            overdue.select_for_update(skip_locked=True, of=("self",)).values_list(
                "pk", "batch_id", "task_id"
            )[:limit]
        )
        Assignment.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(
            status=Assignment.Status.EXPIRED, finished_at=now
        )
        freed: dict[int, list[int]] = defaultdict(list)
        for _, batch_id, task_id in rows:
            freed[batch_id].append(task_id)
        # In the order in which the ledger locks accounts, for those that are closing.
        for batch in Batch.objects.filter(pk__in=freed).order_by("escrow"):
            reopen.give_back(batch, freed[batch.pk])
    return len(rows)


def expire_tasks(*, now: datetime, limit: int = 500) -> int:
    """Withdraw the open slots of tasks whose own time is up; return how many tasks."""
    due = Task.objects.filter(is_open=True, expires_at__lte=now).values("batch_id")
    withdrawn = 0
    for batch in Batch.objects.published().filter(pk__in=due).order_by("pk"):
        with transaction.atomic():
            withdrawn += escrow.withdraw(batch, now=now, limit=limit, only_expired=True)
    return withdrawn


def collect_stragglers(*, limit: int = 500) -> int:
    """Bring open tasks that most workers have passed to the front; return how many.

    A task stays behind when it was locked, or not there yet, as the cursors went by.
    """
    moved = 0
    for batch_id in Batch.objects.live().values_list("pk", flat=True):
        with transaction.atomic(), connection.cursor() as cursor:
            # The same lock as uploads take, so that no new task slips under the low water mark.
            Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
            cursor.execute(claim_sql.STRAGGLERS, {"batch": batch_id, "limit": limit})
            moved += cursor.rowcount
            cursor.execute(claim_sql.LOW_WATER, {"batch": batch_id})
    return moved
