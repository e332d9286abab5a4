"""Rows for a benchmark, made in bulk by SQL: the same rows that the verbs would make."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from marketplace.api import keys
from payments import floors
from payments.deposits import deposit
from payments.money import Money
from tasks import draft, publish
from tasks.models import Batch, Cursor, Project
from workers import people
from workers.models import User

INTERFACE = [{"type": "choice", "name": "label", "options": ["cat", "dog"]}]


def a_project() -> Project:
    """The one project, of a requester with a full wallet, on a site with wage floors."""
    now = timezone.now()
    floors.load_shipped(now)
    requester = people.register(username="requester", requester=True, now=now)
    deposit(owner_id=requester.pk, amount=Money(10**11, "USD"), reference="bench", now=now)
    return draft.create_project(
        requester=requester, title="Bench", instructions="", interface=INTERFACE, now=now
    )


def tokens(count: int, prefix: str = "worker") -> list[tuple[User, str]]:
    """New workers with a token each."""
    now = timezone.now()
    found = []
    for number in range(count):
        user = people.register(username=f"{prefix}{number}", worker=True, now=now)
        found.append((user, keys.make(user=user, name="bench", now=now)[1]))
    return found


TASKS = """
WITH made AS (
    INSERT INTO tasks_task (batch_id, lane, position, overlap, remaining_overlap, is_open)
    SELECT %(batch)s, 1, (random() * 4503599627370495)::bigint, %(overlap)s, %(overlap)s, true
    FROM generate_series(1, %(tasks)s) RETURNING id
)
INSERT INTO tasks_taskinput (task_id, data, external_id)
SELECT id, jsonb_build_object('image', id || '.png'), id::text FROM made
"""


def a_batch(
    project: Project,
    tasks: int,
    overlap: int = 3,
    *,
    accept_at_once: bool = False,
    **policy: Any,
) -> Batch:
    """A published batch with ``tasks`` open tasks, and fresh statistics."""
    now = timezone.now()
    batch = draft.create_batch(
        project=project,
        reward=Money(5, "USD"),
        fee_basis_points=2000,
        policy=draft.Policy(
            overlap=overlap,
            gold_rate=0,
            max_live_assignments=1000,
            assignment_duration=timedelta(seconds=20),
            auto_accept_delay=timedelta(0) if accept_at_once else timedelta(days=3),
            **policy,
        ),
        now=now,
    )
    first = batch.first_overlap
    with connection.cursor() as cursor:
        cursor.execute(TASKS, {"batch": batch.pk, "tasks": tasks, "overlap": first})
    batch.grow(tasks=tasks, gold=0, slots=tasks * first)
    publish.publish(batch=batch, actor=project.requester, now=now)
    # As if its first answers had been timed: a pilot is not what is measured here.
    Batch.objects.filter(pk=batch.pk).update(pilot_left=None)
    analyze()
    return batch


HISTORY = """
WITH done AS (
    SELECT id, position, row_number() OVER (ORDER BY position) AS n FROM tasks_task
    WHERE batch_id = %(batch)s AND is_open AND lane = 1 ORDER BY position LIMIT %(answers)s
), taken AS (
    UPDATE tasks_task t SET remaining_overlap = remaining_overlap - 1,
        is_open = remaining_overlap > 1 FROM done WHERE t.id = done.id
), made AS (
    INSERT INTO tasks_assignment (batch_id, task_id, worker_id, person_id, status, is_gold,
        reward_minor, fee_minor, claimed_at, deadline_at, submitted_at, accept_due_at, reason)
    SELECT %(batch)s, id, %(worker)s, %(person)s, 'submitted', false, 5, 1, %(then)s,
        %(then)s + interval '1 hour', %(then)s, %(then)s + interval '30 days', '' FROM done
    RETURNING id
), answered AS (
    INSERT INTO tasks_answer (assignment_id, value, sha256, created_at)
    SELECT id, '{"label": "cat"}', sha256(convert_to('{"label": "cat"}', 'UTF8')), %(then)s
    FROM made
)
INSERT INTO tasks_cursor (batch_id, worker_id, pseudonym, position, gold_position,
    rescan_seconds, requirements_version, qualifications_version)
SELECT %(batch)s, %(worker)s, 'W' || %(worker)s, max(position), 0, 0, 0, 0
FROM done
"""


def answers_behind(batch: Batch, user: User, answers: int) -> None:
    """Let ``user`` have answered the first ``answers`` tasks of the batch, in its order."""
    then: datetime = timezone.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(
            HISTORY,
            {
                "batch": batch.pk,
                "worker": user.worker.pk,
                "person": user.person_id,
                "answers": answers,
                "then": then,
            },
        )
    analyze()


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE tasks_task, tasks_taskinput, tasks_assignment, tasks_cursor")


ANSWERED = """
WITH made AS (
    INSERT INTO tasks_assignment (batch_id, task_id, worker_id, person_id, status, is_gold,
        reward_minor, fee_minor, claimed_at, deadline_at, submitted_at, accept_due_at, reason)
    SELECT %(batch)s, t.id, w.id, u.person_id, 'submitted', false, 5, 1, %(then)s,
        %(then)s + interval '1 hour', %(then)s, %(then)s + interval '30 days', ''
    FROM tasks_task t, workers_worker w JOIN workers_user u ON u.id = w.user_id
    WHERE t.batch_id = %(batch)s RETURNING id
)
INSERT INTO tasks_answer (assignment_id, value, sha256, created_at)
SELECT id, '{"label": "cat"}', sha256(convert_to('{"label": "cat"}', 'UTF8')), %(then)s
FROM made
"""


def everything_answered(batch_id: int, workers: int) -> None:
    """Let ``workers`` new workers have answered every task of the batch."""
    then = timezone.now() - timedelta(days=1)
    for user, _ in tokens(workers):
        Cursor.objects.create(
            batch_id=batch_id, worker=user.worker, pseudonym=f"W{user.pk}", gold_position=0,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, {"batch": batch_id, "then": then})
        cursor.execute(
            "UPDATE tasks_task SET remaining_overlap = 0, is_open = false WHERE batch_id = %s",
            [batch_id],
        )
    analyze()
