"""How often each worker is right: measured on gold, and estimated from agreement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from tasks.aggregation.skill import estimate
from tasks.models import Batch
from workers import skills
from workers.models import Skill

# An answer to gold is right when it says the same of every element the gold answer names.
GOLD = """
SELECT a.worker_id, count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM jsonb_each(g.answer) AS known
           WHERE ans.value -> known.key IS DISTINCT FROM known.value)), count(*)
FROM tasks_assignment a
JOIN tasks_batch b ON b.id = a.batch_id
JOIN tasks_answer ans ON ans.assignment_id = a.id
JOIN tasks_gold g ON g.task_id = a.task_id
WHERE b.project_id = %(project)s AND a.is_gold AND a.status IN ('submitted', 'accepted', 'rejected')
GROUP BY a.worker_id
"""


class Suspect(NamedTuple):
    """A worker whose answers look like guesses: a reason to look, not a verdict."""

    worker_id: int
    estimate: float  # of how often they are right
    high: float  # the upper end of its 95 % interval
    usual: float  # the median worker's estimate


def score_by_gold(*, project_id: int, now: datetime) -> int:
    """Estimate the skill of everybody who answered gold in a project; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(GOLD, {"project": project_id})
        rows = cursor.fetchall()
    estimates = {worker: estimate(right, answers) for worker, right, answers in rows}
    return skills.record(
        project_id=project_id, source=Skill.Source.GOLD, estimates=estimates, now=now
    )


def score_by_fit(*, batch: Batch, right: Mapping[int, tuple[float, int]], now: datetime) -> int:
    """Keep what the aggregator thinks of each worker: ``right`` answers out of how many."""
    estimates = {
        worker: estimate(round(share * answers), answers)
        for worker, (share, answers) in right.items()
    }
    return skills.record(
        project_id=batch.project_id, source=Skill.Source.FIT, estimates=estimates, now=now
    )


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
