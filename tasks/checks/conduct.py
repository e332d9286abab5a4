"""What a worker's rows in a batch say about them: the facts that rules ask for.

Everything is read for many workers at once, and only what the rules look at. What a human has
looked at counts no more: of a worker whose flag was decided or whose restriction was lifted, only
later answers speak. Nor does one record pause twice: after a pause, only what came later counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from django.db import connection

from tasks.aggregation.known import EXACT, agrees
from tasks.models import Batch
from tasks.rules.facts import Earned, Facts, Spam
from tasks.rules.language import LONGEST_HISTORY, LONGEST_WINDOW, Rule
from tasks.versions import asked

FAST_FROM = 100  # answers in a batch from which its 5 % quantile says what is fast
CAPTCHA = "captcha_result"  # kind of the events in which solved and failed captchas are kept

Since = Mapping[int, datetime | None]  # by worker: from when on their answers count
Rows = dict[int, list[tuple[Any, ...]]]  # by worker, oldest first

LOOKED_AT = """
SELECT worker_id, max(at) FROM (
    SELECT worker_id, decided_at AS at FROM tasks_flag
    WHERE batch_id = %(batch)s AND worker_id = ANY(%(workers)s::bigint[]) AND status <> 'waiting'
    UNION ALL
    SELECT worker_id, lifted_at FROM tasks_restriction
    WHERE batch_id = %(batch)s AND worker_id = ANY(%(workers)s::bigint[])
      AND lifted_by_id IS NOT NULL
    UNION ALL
    SELECT worker_id, made_at FROM tasks_restriction
    WHERE batch_id = %(batch)s AND worker_id = ANY(%(workers)s::bigint[]) AND kind = 'pause'
) looked GROUP BY worker_id
"""

WORKERS = "unnest(%(workers)s::bigint[], %(since)s::timestamptz[]) AS w(id, since)"


def _last(which: str, at: str = "a.submitted_at") -> str:
    """The latest assignments of each worker that are so, those that still count."""
    return f"""
FROM {WORKERS} CROSS JOIN LATERAL (
    SELECT * FROM tasks_assignment a
    WHERE a.worker_id = w.id AND a.batch_id = %(batch)s AND {which}
      AND {at} > coalesce(w.since, '-infinity')
    ORDER BY a.id DESC LIMIT %(limit)s) a
"""  # noqa: S608  (put together from constants of this module)


COUNTED = f"""
SELECT w.id, count(*) FILTER (WHERE a.submitted_at > coalesce(w.since, '-infinity')), count(*)
FROM {WORKERS} JOIN tasks_assignment a ON a.worker_id = w.id
WHERE a.batch_id = %(batch)s AND a.submitted_at IS NOT NULL GROUP BY w.id
"""  # noqa: S608
# As in tasks.quality: gold that was wrong or taken back says nothing about anybody, nor does a
# copy to who knew the original.
GOLD = f"""
SELECT a.worker_id, n.value, g.answer
{_last("a.is_gold AND a.submitted_at IS NOT NULL")}
JOIN tasks_answer n ON n.assignment_id = a.id
JOIN tasks_gold g ON g.task_id = a.task_id
WHERE g.retired_for NOT IN ('disputed', 'withdrawn')
  AND NOT EXISTS (SELECT FROM tasks_assignment o WHERE o.task_id = g.origin_id
                  AND o.person_id = a.person_id AND o.submitted_at IS NOT NULL)
ORDER BY a.submitted_at, a.id
"""  # noqa: S608
# Only what at least two others have answered, and what nobody but the crowd has decided.
AGREEMENT = f"""
SELECT a.worker_id, n.value, c.value
{_last("NOT a.is_gold AND a.submitted_at IS NOT NULL")}
JOIN tasks_answer n ON n.assignment_id = a.id
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(name, value) AS value, min(answers) AS answers
    FROM tasks_consensus WHERE task_id = a.task_id AND source = 'crowd') c
WHERE c.answers - (a.status <> 'rejected')::int >= 2
ORDER BY a.submitted_at, a.id
"""  # noqa: S608
# As in tasks.progress, an assignment that was claimed with others begins when the one before it
# was submitted.
TAKEN = """extract(epoch FROM a.submitted_at - greatest(a.claimed_at, lag(a.submitted_at) OVER (
    PARTITION BY a.worker_id ORDER BY a.submitted_at, a.id)))::float8"""
SPEED = f"""
SELECT a.worker_id, {TAKEN} {_last("a.submitted_at IS NOT NULL")} ORDER BY a.submitted_at, a.id
"""
FAST = f"""
SELECT CASE WHEN count(*) >= %(enough)s
    THEN percentile_cont(0.05) WITHIN GROUP (ORDER BY seconds) END
FROM (
    SELECT {TAKEN} AS seconds FROM (
        SELECT * FROM tasks_assignment
        WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
        ORDER BY submitted_at DESC LIMIT 5000) a
) latest
"""  # noqa: S608
# What was handed back because of what it is, is the task's affair.
SKIPS = f"""
SELECT a.worker_id, a.status = 'skipped'
{
    _last(
        "(a.status IN ('submitted', 'accepted', 'rejected') OR a.status = 'skipped'"
        " AND NOT EXISTS (SELECT FROM tasks_return r WHERE r.assignment_id = a.id))",
        "coalesce(a.submitted_at, a.finished_at)",
    )
}
ORDER BY coalesce(a.submitted_at, a.finished_at), a.id
"""  # noqa: S608
INCOME = f"""
SELECT a.worker_id, extract(epoch FROM %(now)s::timestamptz - a.submitted_at)::float8 / 3600,
       a.reward_minor
{
    _last(
        "a.status IN ('submitted', 'accepted')"
        " AND a.submitted_at > %(now)s::timestamptz - %(window)s * interval '1 hour'"
    )
}
ORDER BY a.submitted_at, a.id
"""  # noqa: S608
CAPTCHAS = f"""
SELECT w.id, (e.data ->> 'passed')::boolean
FROM {WORKERS} CROSS JOIN LATERAL (
    SELECT * FROM workers_event e
    WHERE e.subject_kind = 'worker' AND e.subject_id = w.id AND e.kind = %(captcha)s
      AND e.data ->> 'batch' = (%(batch)s::bigint)::text AND e.at > coalesce(w.since, '-infinity')
    ORDER BY e.id DESC LIMIT %(limit)s) e
ORDER BY e.id
"""  # noqa: S608
# A rejection counts once it is final: until then a hearing may overturn it.
FINAL = """(a.status = 'accepted' OR a.status = 'rejected' AND EXISTS (
    SELECT FROM tasks_rejection r WHERE r.assignment_id = a.id AND r.status = 'final'))"""
REJECTIONS = f"""
SELECT a.worker_id, a.status = 'rejected'
{_last(FINAL)}
ORDER BY a.finished_at, a.id
"""
STATEMENTS = {
    "gold": GOLD,
    "agreement": AGREEMENT,
    "speed": SPEED,
    "skips": SKIPS,
    "income": INCOME,
    "captcha": CAPTCHAS,
    "rejections": REJECTIONS,
}


class Conduct(NamedTuple):
    """One worker in one batch."""

    facts: Facts
    answers: int  # that still count


def looked_at(batch: Batch, workers: Iterable[int]) -> dict[int, datetime]:
    """Return by worker when a human last decided about them here, or a rule paused them."""
    asked_for: dict[str, Any] = {"batch": batch.pk, "workers": sorted(workers)}
    with connection.cursor() as cursor:
        cursor.execute(LOOKED_AT, asked_for)
        return dict(cursor.fetchall())


def conduct_of(
    batch: Batch,
    since: Since,
    rules: Sequence[Rule],
    *,
    spam: Mapping[int, Spam],
    now: datetime,
) -> dict[int, Conduct]:
    """Return by worker what ``rules`` want to know, from the answers after ``since``.

    Of each kind the latest ``LONGEST_HISTORY`` observations are read. ``spam`` is what
    ``suspicion.examined`` found over all answers: it counts for a worker with a ``since`` once
    they have answered as much again.
    """
    wanted = {rule.collector for rule in rules}
    asked_for = {
        "batch": batch.pk,
        "workers": list(since),
        "since": list(since.values()),
        "limit": LONGEST_HISTORY,
        "now": now,
        "window": LONGEST_WINDOW,
        "captcha": CAPTCHA,
        "enough": FAST_FROM,
    }
    known = {name: _by_worker(STATEMENTS[name], asked_for) for name in wanted & STATEMENTS.keys()}
    counted = _by_worker(COUNTED, asked_for)
    kinds = asked(batch.version_id).kinds
    fast = _one(FAST, asked_for) if "speed" in wanted else None
    found = {}
    for worker, start in since.items():
        own = {name: rows[worker] for name, rows in known.items() if worker in rows}
        [(answers, total)] = counted.get(worker, [(0, 0)])
        scores = spam.get(worker) if start is None or 2 * answers >= total else None
        found[worker] = Conduct(_facts(own, kinds, fast, answers, scores), answers)
    return found


def _facts(
    own: Mapping[str, list[tuple[Any, ...]]],
    kinds: dict[str, str],
    fast: float | None,
    answers: int,
    spam: Spam | None,
) -> Facts:
    skipped = [skipped for (skipped,) in own.get("skips", [])]
    return Facts(
        gold=[agrees(_parsed(said), _parsed(known), kinds) for said, known in own.get("gold", [])],
        agreement=[_agree(said, told, kinds) for said, told in own.get("agreement", [])],
        seconds=[seconds for (seconds,) in own.get("speed", [])],
        fast_seconds=fast,
        skips_in_a_row=sum(1 for _ in takewhile(bool, reversed(skipped))),
        income=[Earned(*earned) for earned in own.get("income", [])],
        answers=answers,
        spam=spam,
        captcha=[passed for (passed,) in own.get("captcha", [])],
        rejections=[rejected for (rejected,) in own.get("rejections", [])],
    )


def _agree(said: Any, consensus: Any, kinds: dict[str, str]) -> bool:
    """Compare with the consensus in what is right or wrong; where nothing is, in everything."""
    told = _parsed(consensus)
    exact = {name: value for name, value in told.items() if kinds.get(name) in EXACT}
    return agrees(_parsed(said), exact or told, kinds)


def _by_worker(sql: str, asked_for: Mapping[str, Any]) -> Rows:
    found: Rows = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, asked_for)
        for worker, *facts in cursor.fetchall():
            found[worker].append(tuple(facts))
    return found


def _one(sql: str, asked_for: Mapping[str, Any]) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked_for)
        [[value]] = cursor.fetchall()
    return None if value is None else float(value)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
