"""How often each worker is right: measured on gold and in reviews, estimated from agreement."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from tasks.aggregation.known import EXACT, agrees
from tasks.aggregation.skill import Estimate, estimate
from tasks.models import Batch
from tasks.versions import asked
from workers import skills
from workers.models import Skill

# An answer to gold is right when it says the same of every element the gold answer names. Gold that
# was wrong, or taken back, says nothing about anybody; nor does a copy to who knew the original. A
# training teaches and does not measure.
ON_GOLD = """
FROM tasks_assignment a
JOIN tasks_batch b ON b.id = a.batch_id
JOIN tasks_answer ans ON ans.assignment_id = a.id
JOIN tasks_gold g ON g.task_id = a.task_id
WHERE b.project_id = %(project)s AND (a.is_gold OR b.purpose = 'exam')
  AND a.status IN ('submitted', 'accepted', 'rejected')
  AND g.retired_for NOT IN ('disputed', 'withdrawn')
  AND NOT EXISTS (SELECT FROM tasks_assignment o WHERE o.task_id = g.origin_id
                  AND o.person_id = a.person_id AND o.submitted_at IS NOT NULL)
"""
EXACTLY = """NOT EXISTS (
    SELECT FROM jsonb_each(g.answer) AS known
    WHERE ans.value -> known.key IS DISTINCT FROM known.value)"""
GOLD = f"""
SELECT a.worker_id, count(*) FILTER (WHERE {EXACTLY}), count(*) {ON_GOLD} GROUP BY a.worker_id
"""
# What is not equal may still be the same within the tolerance of its kind.
NEARLY = f"""
SELECT a.worker_id, b.version_id, ans.value, g.answer {ON_GOLD}
  AND b.version_id = ANY(%(versions)s::bigint[]) AND NOT {EXACTLY}
"""

# Of several decisions on one task the last counts.
REVIEWED = """
WITH decided AS (
    SELECT DISTINCT ON (r.task_id) r.task_id, r.value, b.version_id
    FROM tasks_review r JOIN tasks_batch b ON b.id = r.batch_id
    WHERE b.project_id = %(project)s AND r.value IS NOT NULL
    ORDER BY r.task_id, r.id DESC
)
SELECT a.worker_id, d.version_id, ans.value, d.value
FROM decided d
JOIN tasks_assignment a ON a.task_id = d.task_id
JOIN tasks_answer ans ON ans.assignment_id = a.id
WHERE a.status IN ('submitted', 'accepted', 'rejected')
  AND a.worker_id IN (
      SELECT worker_id FROM tasks_assignment WHERE task_id = ANY(%(tasks)s::bigint[]))
"""

SKILLS = """
SELECT s.worker_id, s.source, s.estimate, s.answers, p.requester_id
FROM workers_skill s JOIN tasks_project p ON p.id = s.project_id
WHERE s.worker_id = ANY(%(workers)s::bigint[])
"""
# Of fewer, the pool of all projects less one's own would be one other requester's figures.
OTHERS_LEAST = 2


class Suspect(NamedTuple):
    """A worker whose answers look like guesses: a reason to look, not a verdict."""

    worker_id: int
    estimate: float  # of how often they are right
    high: float  # the upper end of its 95 % interval
    usual: float  # the median worker's estimate


def score_by_gold(*, project_id: int, now: datetime) -> int:
    """Estimate the skill of everybody who answered gold in a project; return how many.

    Whoever is left with no answer to gold that still counts has no such skill any more.
    """
    right: Counter[int] = Counter()
    answers: dict[int, int] = {}
    for worker, exactly, count in _rows(GOLD, project=project_id):
        right[worker], answers[worker] = exactly, count
    tolerant = _tolerant_versions(project_id)
    if tolerant:
        nearly = _rows(NEARLY, project=project_id, versions=tolerant)
        right.update(worker for worker, *pair in nearly if _agree(*pair))
    known = Skill.objects.filter(project_id=project_id, source=Skill.Source.GOLD)
    if unproven := set(known.values_list("worker_id", flat=True)) - answers.keys():
        known.filter(worker__in=unproven).delete()
    estimates = {worker: estimate(right[worker], count) for worker, count in answers.items()}
    return skills.record(
        project_id=project_id, source=Skill.Source.GOLD, estimates=estimates, now=now
    )


def score_by_review(*, project_id: int, tasks: Sequence[int], now: datetime) -> int:
    """Estimate anew who answered ``tasks``, from all their answers that were reviewed.

    Returns how many workers. Reviewed tasks are mostly the hard ones, so this is how often they
    are right there, not everywhere.
    """
    right: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    for worker, *pair in _rows(REVIEWED, project=project_id, tasks=list(tasks)):
        answers[worker] += 1
        right[worker] += _agree(*pair)
    estimates = {worker: estimate(right[worker], count) for worker, count in answers.items()}
    return skills.record(
        project_id=project_id, source=Skill.Source.REVIEW, estimates=estimates, now=now
    )


def _tolerant_versions(project_id: int) -> list[int]:
    """The versions whose answers need not be equal to be the same."""
    versions = Batch.objects.filter(project=project_id).values_list("version", flat=True)
    return [
        version
        for version in versions.distinct().order_by("version")
        if not EXACT.issuperset(asked(version).kinds.values())
    ]


def _agree(version_id: int, said: Any, known: Any) -> bool:
    return agrees(_parsed(said), _parsed(known), asked(version_id).kinds)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _rows(sql: str, **asked_for: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked_for)
        return list(cursor.fetchall())


def score_by_fit(*, batch: Batch, right: Mapping[int, tuple[float, int]], now: datetime) -> int:
    """Keep what the aggregator thinks of each worker: ``right`` answers out of how many."""
    estimates = {
        worker: estimate(round(share * answers), answers)
        for worker, (share, answers) in right.items()
    }
    return skills.record(
        project_id=batch.project_id, source=Skill.Source.FIT, estimates=estimates, now=now
    )


def overall(
    worker_ids: Iterable[int], *, seen_by: int | None = None
) -> dict[int, dict[str, Estimate]]:
    """Pool each worker's skills over all projects, by source, as if they were one.

    ``seen_by`` is the requester who is told: projects of others then count only where they are
    of at least ``OTHERS_LEAST`` others. None is the worker, or an admin: all projects count.
    """
    found: defaultdict[tuple[int, str], list[tuple[float, int, int]]] = defaultdict(list)
    for worker, source, share, answers, owner in _rows(SKILLS, workers=sorted(worker_ids)):
        # The estimate is that of ``skill.estimate``, which this turns round.
        right = min(max(round(share * (answers + 1) - 0.5), 0), answers)
        found[worker, source].append((right, answers, owner))
    pooled: defaultdict[int, dict[str, Estimate]] = defaultdict(dict)
    for (worker, source), skills_of in sorted(found.items()):
        others = {owner for *_, owner in skills_of} - {seen_by}
        told = seen_by is None or len(others) >= OTHERS_LEAST
        counted = [each for each in skills_of if told or each[2] == seen_by]
        if counted:
            right, answers = (sum(each[part] for each in counted) for part in (0, 1))
            pooled[worker][source] = estimate(right, answers)
    return pooled


def suspects(*, project_id: int, chance: float, answers_min: int = 10) -> list[Suspect]:
    """Workers who are, with 95 % confidence, nearer to guessing than to the usual worker.

    ``chance`` is how often a guess is right, e.g. 0.1 with ten options. Gold and fit are both
    heard; either may name a worker, and neither does on fewer than ``answers_min`` answers.
    """
    found: dict[int, Suspect] = {}
    for source in Skill.Source.FIT, Skill.Source.GOLD:
        known = list(
            Skill.objects.filter(project_id=project_id, source=source).order_by("estimate")
        )
        if not known:
            continue
        usual = known[len(known) // 2].estimate
        for skill in known:
            if skill.answers >= answers_min and skill.high < (chance + usual) / 2:
                found[skill.worker_id] = Suspect(skill.worker_id, skill.estimate, skill.high, usual)
    return sorted(found.values(), key=lambda suspect: suspect.estimate)
