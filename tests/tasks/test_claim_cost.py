from __future__ import annotations

import json

import pytest
from django.db import connection

from tasks import claim_sql, distribute, publish, uploads
from tasks.models import Cursor
from tests.factories import (
    NOON,
    a_worker,
    claim,
    published_batch,
)
from tests.tasks.asking import DEADLINE, ask, requiring
from tests.workers.make import a_qualification_type
from workers import qualify

pytestmark = pytest.mark.django_db


def test_the_first_claim_makes_a_cursor_and_checks_the_worker(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()

    # Savepoint; cursor: none; batch is published; may the worker? (2: own batch, standing and
    # blocks); paused in the project? (2: lock the worker, look); insert cursor; lock cursor; may
    # the worker, now that nobody can change it? (2); take; release.
    with django_assert_num_queries(13):
        ask(batch, worker)


def test_a_custom_qualification_costs_one_query_per_check(django_assert_num_queries):
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    with django_assert_num_queries(15):
        ask(batch, worker)


@pytest.mark.parametrize("count", [1, 20])
def test_every_later_claim_is_two_statements_however_many_tasks(count, django_assert_num_queries):
    batch, worker = published_batch(tasks=50, max_live_assignments=50), a_worker()
    claim(batch, worker)

    with django_assert_num_queries(4):  # savepoint, lock the cursor, take, release
        assert len(ask(batch, worker, count=count).assignments) == count


def test_a_changed_qualification_costs_one_check(django_assert_num_queries):
    batch, worker = published_batch(tasks=3), a_worker()
    claim(batch, worker)
    qualify.grant(type=a_qualification_type(), worker=worker, now=NOON, actor=None)

    with django_assert_num_queries(6):  # the four, own batch, standing and blocks
        ask(batch, worker)
    with django_assert_num_queries(4):
        ask(batch, worker)


def test_looking_behind_costs_one_more_statement_and_waiting_none(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()
    claim(batch, worker)

    with django_assert_num_queries(5):  # the four, and take once more
        ask(batch, worker)
    with django_assert_num_queries(4):
        ask(batch, worker)


def test_a_batch_that_is_not_open_costs_one_statement(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()
    claim(batch, worker)
    publish.pause(batch=batch, actor=batch.project.requester, now=NOON)

    with django_assert_num_queries(3):  # savepoint, lock the cursor, release
        ask(batch, worker)


def take_asked(batch, worker):
    cursor = Cursor.objects.get(batch=batch, worker=worker)
    return {
        "batch": batch.pk,
        "worker": worker.pk,
        "cursor": cursor.pk,
        "position": cursor.position,
        "gold_position": cursor.gold_position,
        "gold_rest_until": None,
        "gold": 1,
        "count": 1,
        "cap": 20,
        "urgent_window": distribute.URGENT_WINDOW,
        "reward": 5,
        "fee": 1,
        "now": NOON,
        "deadline": DEADLINE,
        "rescan_at": None,
        "rescan_seconds": 0,
        "requirements_version": 0,
        "qualifications_version": 0,
        "suggests": False,
    }


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def explain(sql, asked):
    """The nodes of a statement's plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", asked)
        [[found]] = cursor.fetchall()
    return list(nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def explain_generic(sql, asked):
    """The nodes of the plan that a prepared statement gets after a few executions."""
    names = sorted(asked)
    for number, name in enumerate(names, start=1):
        sql = sql.replace(f"%({name})s", f"${number}")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE take AS {sql}")
        marks = ", ".join(literal(asked[name]) for name in names)
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE take ({marks})")
        [[found]] = cursor.fetchall()
        cursor.execute("DEALLOCATE take")
    return list(nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def literal(value):
    return "NULL" if value is None else f"'{value}'"


@pytest.mark.parametrize("plan", [explain, explain_generic])
def test_a_claim_walks_its_indexes_even_while_statistics_say_that_nothing_was_assigned(plan):
    batch = published_batch(tasks=5_000, gold=200, gold_rate=0.05, max_live_assignments=1_000)
    uploads.analyze()
    worker = a_worker()
    for _ in range(49):
        ask(batch, worker, count=20)

    found = plan(claim_sql.TAKE, take_asked(batch, worker))

    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert not scanned & {"tasks_task", "tasks_assignment", "tasks_taskinput"}
    walked = [node.get("Index Name") for node in found]
    assert walked.count("task_open") == 8  # gold twice, urgent and normal twice, its window twice
    assert walked.count("assignment_once_per_person") == 6  # is a task unseen, in each of them?
