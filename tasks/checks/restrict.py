"""What follows from a worker's record, by the rules of the batch: closer checks, for a while.

Rules ask for more gold, fewer live assignments, a pause, or a human. Nothing here suspends
anybody or touches pay; and every restriction ends by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tasks.alone import RULES, alone
from tasks.checks import conduct, flags, overrides
from tasks.errors import IllegalTransition
from tasks.models import Batch, Restriction
from tasks.rules.facts import Spam
from tasks.rules.judge import Outcome, judge
from tasks.rules.language import Action, Rule
from tasks.rules.parse import parse
from workers import decisions, events
from workers.models import Decision, User, Worker

# Longer than jobs are apart, so that each answer is seen at least once. Whoever is missed because
# jobs stood still is seen at their next answer.
NEWS = timedelta(minutes=3)
LIFTED = "Somebody looked at it and ended it before its time."
LASTS = timedelta(days=3)  # more gold or fewer live assignments; a rule says how long a pause is
Kind = Restriction.Kind

ACTIVE = """
SELECT worker_id FROM (
    SELECT worker_id, submitted_at AS at FROM tasks_assignment
    WHERE batch_id = %(batch)s AND submitted_at > %(since)s
    UNION ALL
    SELECT worker_id, finished_at FROM (
        SELECT worker_id, status, finished_at FROM tasks_assignment
        WHERE batch_id = %(batch)s ORDER BY id DESC LIMIT 2000) latest
    WHERE status = 'skipped' AND finished_at > %(since)s
) seen GROUP BY worker_id ORDER BY max(at), worker_id LIMIT %(limit)s
"""


def apply_due(*, now: datetime, limit: int = 500) -> int:
    """Apply the rules of every live batch to who worked on it of late.

    Up to ``limit`` workers per batch, those first whose last answer is about to be no news.
    Returns how many restrictions and questions came of it. What follows from the rows follows
    again at the next run, and what is there already is not made twice: a run that dies, repeats
    or meets another changes only latency.
    """
    ruled = Batch.objects.live().filter(purpose=Batch.Purpose.WORK).exclude(rules=[])
    return sum(apply_rules(batch=batch, now=now, limit=limit) for batch in ruled.order_by("pk"))


def apply_rules(*, batch: Batch, now: datetime, limit: int = 500) -> int:
    """Apply one batch's rules to who worked on it of late; return what came of it.

    Does nothing while another run has the batch in hand.
    """
    with alone(RULES, batch.pk) as mine:
        workers = _active(batch, now, limit) if mine else []
        if not workers:
            return 0
        rules = parse(batch.rules)
        before = conduct.looked_at(batch, workers)
        since = {worker: before.get(worker) for worker in workers}
        known = conduct.conduct_of(batch, since, rules, spam=_spam(batch, rules), now=now)
        made = 0
        for worker, found in known.items():
            outcomes = judge(rules, found.facts, evidence=found.answers)
            if outcomes:
                made += _follow(batch, worker, outcomes, since[worker], now)
        return made


def _active(batch: Batch, now: datetime, limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(ACTIVE, {"batch": batch.pk, "since": now - NEWS, "limit": limit})
        return [worker for (worker,) in cursor.fetchall()]


def _spam(batch: Batch, rules: Sequence[Rule]) -> Mapping[int, Spam]:
    if not any(rule.collector == "spam" for rule in rules):
        return {}
    # The web process, which lifts restrictions, does without its scipy.
    from tasks.checks.suspicion import examined  # noqa: PLC0415

    return examined(batch).spam


@transaction.atomic
def _follow(
    batch: Batch,
    worker_id: int,
    outcomes: Sequence[Outcome],
    since: datetime | None,
    now: datetime,
) -> int:
    overrides.hold(worker_id)
    if conduct.looked_at(batch, [worker_id]).get(worker_id) != since:
        return 0  # a human has decided meanwhile; the next run looks at what is left
    made = sum(_done(batch, worker_id, outcome, now) for outcome in outcomes)
    overrides.bring_up(worker_id=worker_id, project_id=batch.project_id)
    return made


def _done(batch: Batch, worker_id: int, outcome: Outcome, now: datetime) -> bool:
    if outcome.action is Action.ASK_HUMAN:
        return flags.raise_flag(
            worker_id=worker_id,
            batch_id=batch.pk,
            kind=_collector(batch, outcome),
            sentence=outcome.sentence,
            evidence=_evidence(outcome),
            now=now,
        )
    return _restrict(batch, worker_id, outcome, now)


def _restrict(batch: Batch, worker_id: int, outcome: Outcome, now: datetime) -> bool:
    """Make a restriction in place of a milder one, unless there is one as strict."""
    kind = Kind(outcome.action.value)
    [value] = outcome.params.values()
    until = now + (timedelta(hours=value) if kind == Kind.PAUSE else LASTS)
    row = Restriction(
        worker_id=worker_id,
        batch=batch,
        kind=kind,
        value=value,
        sentence=outcome.sentence,
        evidence=_evidence(outcome),
        made_at=now,
        until=until,
    )
    live = Restriction.objects.filter(worker=worker_id, batch=batch, kind=kind, lifted_at=None)
    if not _is_felt(batch, row) or any(not _is_stricter(row, old) for old in live):
        return False
    live.update(lifted_at=now)
    row.save()
    told = {"batch": batch.pk, "restriction": row.pk, "action": kind, "value": value}
    _record("restriction_made", worker_id, None, now, **told, until=until)
    return True


def _is_felt(batch: Batch, row: Restriction) -> bool:
    """Whether it changes anything for the worker: else its sentence would not be true."""
    if row.kind == Kind.MORE_GOLD:
        return row.value > batch.gold_rate and batch.gold_count > batch.gold_retired
    return row.kind == Kind.PAUSE or row.value < batch.max_live_assignments


def _is_stricter(new: Restriction, old: Restriction) -> bool:
    if new.kind == Kind.PAUSE:
        return new.until > old.until
    return new.value > old.value if new.kind == Kind.MORE_GOLD else new.value < old.value


def _collector(batch: Batch, outcome: Outcome) -> str:
    return str(batch.rules[outcome.rule_index]["collector"])


def _evidence(outcome: Outcome) -> dict[str, Any]:
    figures: dict[str, Any] = {name: round(value, 4) for name, value in outcome.evidence.items()}
    weaker = {"instead_of": outcome.downgraded_from} if outcome.downgraded_from else {}
    return {**figures, **weaker, "rule": outcome.rule_index}


def lift_ended(*, now: datetime, limit: int = 500) -> int:
    """End up to ``limit`` restrictions whose time is up; return how many.

    Each worker's is a transaction of its own that finds them live, so runs that die, repeat or
    overlap end nothing twice.
    """
    ended = Restriction.objects.filter(lifted_at=None, until__lte=now).order_by("until", "pk")
    of_worker: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for pk, worker, project in ended.values_list("pk", "worker_id", "batch__project_id")[:limit]:
        of_worker[worker, project].append(pk)
    return sum(_end(pks, *whose, now) for whose, pks in of_worker.items())


@transaction.atomic
def _end(restrictions: list[int], worker_id: int, project_id: int, now: datetime) -> int:
    overrides.hold(worker_id)
    live = Restriction.objects.filter(pk__in=restrictions, lifted_at=None)
    ended = live.update(lifted_at=now)
    overrides.bring_up(worker_id=worker_id, project_id=project_id)
    return ended


@transaction.atomic
def lift(*, restriction: Restriction, actor: User, now: datetime, reason: str = LIFTED) -> None:
    """End a restriction before its time. The answers given until now lead to no other.

    It is a human's decision, and in the worker's record with its ``reason``.

    Raises:
        IllegalTransition: it has ended already.
    """
    worker_id = restriction.worker_id
    overrides.hold(worker_id)
    live = Restriction.objects.filter(pk=restriction.pk, lifted_at=None)
    if not live.update(lifted_at=now, lifted_by=actor):
        raise IllegalTransition("This restriction has ended already.")
    restriction.lifted_at, restriction.lifted_by = now, actor
    decisions.record(
        kind=Decision.Kind.REINSTATE,
        subject_kind="restriction",
        subject_id=restriction.pk,
        concerns=restriction.worker.user,
        made_by=actor,
        reasons=reason,
        evidence={"kind": restriction.kind, "batch": restriction.batch_id},
        now=now,
    )
    overrides.bring_up(worker_id=worker_id, project_id=restriction.batch.project_id)
    told = {
        "batch": restriction.batch_id,
        "restriction": restriction.pk,
        "action": restriction.kind,
    }
    _record("restriction_lifted", worker_id, actor, now, **told)


@transaction.atomic
def record_captcha(*, worker: Worker, batch: Batch, passed: bool, now: datetime) -> None:
    """Remember whether ``worker`` solved a captcha while working on ``batch``.

    For the operator's own code, which shows the captchas; rules read it as ``captcha``.
    """
    _record(conduct.CAPTCHA, worker.pk, None, now, batch=batch.pk, passed=passed)


def _record(kind: str, worker_id: int, actor: User | None, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind, subject_kind="worker", subject_id=worker_id, actor=actor, at=now, data=data
    )
