from __future__ import annotations

from typing import NamedTuple

import pytest
from django.db import IntegrityError

from tests.factories import HOUR, NOON, a_worker
from workers import skills
from workers.models import Skill

pytestmark = pytest.mark.django_db
GOLD = Skill.Source.GOLD


class Seen(NamedTuple):
    estimate: float
    low: float
    high: float
    answers: int


def test_estimates_of_many_workers_are_kept_in_one_statement(django_assert_num_queries):
    good, poor = a_worker(), a_worker()
    seen = {poor.pk: Seen(0.4, 0.1, 0.7, 5), good.pk: Seen(0.9, 0.8, 1.0, 40)}

    with django_assert_num_queries(1):
        written = skills.record(project_id=3, source=GOLD, estimates=seen, now=NOON)

    assert written == 2
    kept = Skill.objects.get(worker=good, project_id=3)
    assert (kept.estimate, kept.low, kept.high, kept.answers) == (0.9, 0.8, 1.0, 40)
    assert kept.estimated_at == NOON
    assert str(kept) == f"0.90 of worker {good.pk} in project 3"


def test_the_newest_estimate_replaces_the_one_before_and_no_other():
    worker = a_worker()
    skills.record(project_id=3, source=GOLD, estimates={worker.pk: Seen(0.5, 0, 1, 1)}, now=NOON)
    later = {"estimates": {worker.pk: Seen(0.7, 0.6, 0.8, 90)}, "now": NOON + HOUR}

    skills.record(project_id=3, source=GOLD, **later)
    skills.record(project_id=3, source=Skill.Source.FIT, **later)
    skills.record(project_id=4, source=GOLD, **later)

    assert Skill.objects.count() == 3
    kept = Skill.objects.get(project_id=3, source=GOLD)
    assert (kept.estimate, kept.answers, kept.estimated_at) == (0.7, 90, NOON + HOUR)


def test_nothing_estimated_writes_nothing():
    assert skills.record(project_id=3, source=GOLD, estimates={}, now=NOON) == 0


@pytest.mark.parametrize(
    "seen",
    [Seen(0.5, 0.6, 0.7, 1), Seen(0.5, 0.1, 0.4, 1), Seen(0.5, -0.1, 1, 1), Seen(1, 1, 1.1, 1)],
)
def test_the_database_itself_keeps_an_estimate_within_its_interval(seen):
    worker = a_worker()

    with pytest.raises(IntegrityError, match="skill_estimate_within_its_interval"):
        skills.record(project_id=3, source=GOLD, estimates={worker.pk: seen}, now=NOON)
