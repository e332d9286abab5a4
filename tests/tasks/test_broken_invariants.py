"""Each invariant, broken by what no verb does, and found by its own sentence."""

from __future__ import annotations

import pytest

from tasks import invariants
from tests.tasks import breaking_quality, breaking_ratings, breaking_voice, breaking_worktime
from tests.tasks.hearings.breaks import BREAKS as OF_HEARINGS
from tests.tasks.marketplace import SOON, busy_marketplace, damage

pytestmark = pytest.mark.django_db

BREAKS = [
    # A slot was lost, or one too many given.
    (
        "slots add up",
        "UPDATE tasks_task SET remaining_overlap = remaining_overlap + 1 WHERE id = {task}",
        {"task": "@task", "overlap": 2, "open": 1, "taken": 2},
    ),
    (
        "open while slots remain",
        "UPDATE tasks_task SET is_open = NOT is_open WHERE id = {task}",
        {"task": "@task"},
    ),
    (
        "within the overlap",
        "UPDATE tasks_task SET overlap = 0 WHERE id = {task}",
        {"task": "@task", "overlap": 0, "taken": 2},
    ),
    (
        "one batch",
        "UPDATE tasks_assignment SET batch_id = {closed} WHERE id = {active}",
        {"assignment": "@active", "batch": "@closed", "batch_of_task": "@batch"},
    ),
    (
        "every task has its input",
        "DELETE FROM tasks_taskinput WHERE task_id = {task}",
        {"task": "@task"},
    ),
    # Gold is no longer known, or an assignment hides that it was gold.
    ("gold is known", "DELETE FROM tasks_gold", {"known": False}),
    (
        "gold is known",
        "UPDATE tasks_assignment SET is_gold = false WHERE id = {gold}",
        {"assignment": "@gold", "known": True},
    ),
    (
        "gold is known",
        "UPDATE tasks_batch SET purpose = 'training' WHERE id = {batch}",
        {"task": "@task", "known": False},
    ),
    (
        "retired gold is counted",
        "UPDATE tasks_batch SET gold_retired = 1 WHERE id = {batch}",
        {"batch": "@batch", "gold_retired": 1, "retired": 0},
    ),
    (
        "retired gold is counted",
        (
            "UPDATE tasks_gold SET retired_at = now(); UPDATE tasks_batch SET gold_retired = 1"
            " WHERE id = {batch}"
        ),
        {"batch": "@batch", "retired": 1, "open": 1},
    ),
    (
        "batches count their tasks",
        "UPDATE tasks_batch SET task_count = task_count - 1 WHERE id = {batch}",
        {"batch": "@batch", "task_count": 7, "tasks": 8},
    ),
    (
        "batches count their tasks",
        "UPDATE tasks_batch SET slot_count = 14 WHERE id = {batch}",
        {"batch": "@batch", "slot_count": 14, "slots": 15},
    ),
    (
        "drafts are untouched",
        "UPDATE tasks_assignment SET batch_id = {draft} WHERE id = {active}",
        {"assignment": "@active", "batch": "@draft"},
    ),
    # A batch was closed over somebody's work.
    (
        "closed batches are done",
        "UPDATE tasks_batch SET status = 'closed' WHERE id = {batch}",
        {"batch": "@batch"},
    ),
    (
        "closed batches are done",
        "UPDATE tasks_assignment SET batch_id = {closed} WHERE id = {unpaid}",
        {"batch": "@closed", "assignment": "@unpaid"},
    ),
    (
        "distinct persons",
        "UPDATE workers_user SET person_id = {other_person} WHERE id = {worker.user_id}",
        {"task": "@task", "assignments": ["@active", "@waiting"]},
    ),
    (
        "nobody works for themselves",
        "UPDATE workers_user SET person_id = {requester.person_id} WHERE id = {worker.user_id}",
        {"assignment": "@active", "batch": "@batch"},
    ),
    (
        "nobody answers themselves",
        "UPDATE tasks_task SET author_id = {worker.user.person_id} WHERE id = {task}",
        {"assignment": "@active", "task": "@task"},
    ),
    (
        "assignments follow their person",
        "UPDATE tasks_assignment SET person_id = {requester.person_id} WHERE id = {active}",
        {"assignment": "@active"},
    ),
    (
        "authors follow their person",
        "UPDATE workers_person SET merged_into_id = {other_person} WHERE id = {author}",
        {"task": "@free", "person": "@author", "moved_to": "@other_person"},
    ),
    (
        "within the cap",
        "UPDATE tasks_batch SET max_live_assignments = 0 WHERE id = {batch}",
        {"batch": "@batch", "live": 1, "cap": 0},
    ),
    # An answer is missing, or there though nobody submitted.
    (
        "answered when submitted",
        "DELETE FROM tasks_answer WHERE assignment_id = {paid}",
        {"assignment": "@paid", "status": "accepted", "answered": False},
    ),
    (
        "answered when submitted",
        "UPDATE tasks_answer SET assignment_id = {skipped} WHERE assignment_id = {rejected}",
        {"assignment": "@skipped", "status": "skipped", "answered": True},
    ),
    (
        "answers are as they were given",
        'UPDATE tasks_answer SET value = \'{{"label": "dog"}}\' WHERE assignment_id = {paid}',
        {"assignment": "@paid"},
    ),
    # A job sleeps.
    (
        "overdue assignments expire",
        "UPDATE tasks_assignment SET deadline_at = '2026-01-01 11:50Z' WHERE id = {active}",
        {"assignment": "@active"},
    ),
    (
        "expired tasks are withdrawn",
        "UPDATE tasks_task SET expires_at = '2026-01-01 11:50Z' WHERE id = {free}",
        {"task": "@free"},
    ),
    (
        "answers are decided in time",
        "UPDATE tasks_assignment SET accept_due_at = '2026-01-01 11:50Z' WHERE id = {waiting}",
        {"assignment": "@waiting"},
    ),
    (
        "accepted answers are paid in time",
        "UPDATE tasks_assignment SET finished_at = '2026-01-01 11:50Z' WHERE id = {unpaid}",
        {"assignment": "@unpaid"},
    ),
    # Money did not move, or moved twice, or to somebody else.
    (
        "rewards are paid once",
        "DELETE FROM payments_transfer WHERE key = 'reward:{paid}'",
        {"assignment": "@paid", "due_minor": 5, "transfer": None},
    ),
    (
        "rewards are paid once",
        "UPDATE tasks_assignment SET paid_at = NULL WHERE id = {paid}",
        {"assignment": None, "paid_minor": 5},
    ),
    (
        "rewards are paid once",
        "UPDATE payments_account SET owner_id = {requester.pk} WHERE purpose = 'earnings'",
        {"assignment": "@paid", "due_minor": 5, "paid_minor": 5},
    ),
    (
        "fees are taken once",
        "UPDATE payments_transfer SET amount_minor = 2 WHERE key = 'fee:{paid}'",
        {"assignment": "@paid", "due_minor": 1, "paid_minor": 2},
    ),
    (
        "prices only rise",
        "UPDATE tasks_assignment SET reward_minor = 4 WHERE id = {active}",
        {"assignment": "@active", "reward_minor": 4, "reward_minor_of_batch": 5},
    ),
    (
        "escrow holds what is owed",
        "UPDATE payments_account SET held_minor = held_minor - 6 WHERE id = {escrow}",
        {"batch": "@batch"},
    ),
    (
        "budgets are accounted for",
        "UPDATE payments_account SET balance_minor = balance_minor - 1 WHERE id = {escrow}",
        {"batch": "@batch"},
    ),
    (
        "budgets are accounted for",
        "UPDATE tasks_batch SET refunded_minor = 0 WHERE id = {closed}",
        {"batch": "@closed", "refunded_minor": 0, "given_back_minor": 6},
    ),
    (
        "within the budget",
        "UPDATE tasks_batch SET budget_minor = 5 WHERE id = {batch}",
        {"batch": "@batch", "budget_minor": 5, "spent_minor": 6},
    ),
    (
        "escrow closes with its batch",
        "UPDATE payments_account SET closed_at = now() WHERE id = {escrow}",
        {"batch": "@batch", "status": "open"},
    ),
    (
        "every escrow has its batch",
        "UPDATE tasks_batch SET escrow_id = NULL WHERE id = {batch}",
        {"account": "@escrow", "batch": None},
    ),
    # A reserve was spent on something else, or somebody did not get what was promised.
    (
        "reserves are accounted for",
        "UPDATE tasks_batch SET reserve_minor = 5 WHERE id = {batch}",
        {"batch": "@batch", "reserve_minor": 5, "set_aside_minor": 0},
    ),
    (
        "a promised floor has its reserve",
        "UPDATE tasks_batch SET floor_minor = 1200 WHERE id = {batch}",
        {"batch": "@batch", "floor_minor": 1200, "reserve": None, "wage": None},
    ),
    (
        "reserves close with their batch",
        "UPDATE tasks_batch SET reserve_id = escrow_id WHERE id = {paused}",
        {"batch": "@paused", "status": "paused", "held_minor": 6},
    ),
    (
        "every reserve has its batch",
        (
            "INSERT INTO payments_account (purpose, currency, guarded, balance_minor, held_minor)"
            " VALUES ('reserve', 'USD', true, 0, 0)"
        ),
        {"batch": None},
    ),
    (
        "top-ups are paid once",
        (
            "INSERT INTO tasks_topup (batch_id, worker_id, rule, number, reserve_minor,"
            " guarantee_minor, inputs, made_at)"
            " VALUES ({batch}, {worker.pk}, 'job', 1, 0, 7, '{{}}', now())"
        ),
        {"said_minor": 7, "transfer": None},
    ),
    (
        "top-ups are paid once",
        "UPDATE payments_transfer SET kind = 'top_up' WHERE key = 'bonus:{paid}:first'",
        {"topup": None, "paid_minor": 1},
    ),
    (
        "final pay reaches the floor",
        (
            "INSERT INTO tasks_wage (batch_id, workers, answers, topup_minor, is_final, look_after)"
            " VALUES ({batch}, 0, 0, 2, true, now());"
            " UPDATE tasks_batch SET closed_at = '2026-01-02 12:00Z' WHERE id = {batch}"
        ),
        {"batch": "@batch", "owed_minor": 2, "paid_minor": 0},
    ),
    # Somebody did something and nobody wrote it down, or the reverse.
    (
        "publications are events",
        "DELETE FROM workers_event WHERE kind = 'batch_published' AND subject_id = {batch}",
        {"batch": "@batch", "events": 0},
    ),
    (
        "publications are events",
        "UPDATE tasks_batch SET status = 'draft' WHERE id = {batch}",
        {"batch": "@batch", "status": "draft", "events": 1},
    ),
    (
        "ends are events",
        "UPDATE workers_event SET subject_id = {batch} WHERE kind = 'batch_closed'",
        {"batch": "@batch", "status": "open", "events": 1},
    ),
    (
        "closing was done",
        "UPDATE tasks_batch SET status = 'open' WHERE id = {closed}",
        {"batch": "@closed", "status": "open"},
    ),
    (
        "pauses are events",
        "UPDATE tasks_batch SET status = 'open' WHERE id = {paused}",
        {"batch": "@paused", "last_event": "batch_paused"},
    ),
    (
        "rejections are events",
        "DELETE FROM workers_event WHERE kind = 'assignment_rejected'",
        {"assignment": "@rejected", "events": 0},
    ),
    (
        "rejections are events",
        "UPDATE tasks_assignment SET status = 'accepted' WHERE id = {rejected}",
        {"assignment": None, "events": 1},
    ),
    (
        "bonuses are events",
        "DELETE FROM payments_transfer WHERE kind = 'bonus'",
        {"bonuses": None, "paid_minor": None, "events": 2, "told_minor": 2},
    ),
    (
        "bonuses are events",
        "UPDATE payments_transfer SET amount_minor = 2 WHERE key = 'bonus:{paid}:second'",
        {"bonuses": 2, "paid_minor": 3, "events": 2, "told_minor": 2},
    ),
    # Somebody took a link out of a chain, or slipped one in, or none was ever written.
    (
        "provenance has no gaps",
        (
            "INSERT INTO tasks_provenance (batch_id, number, task_id, record, previous, sha256,"
            " created_at) VALUES ({batch}, 2, {task}, '{{}}', '', '', now())"
        ),
        {"batch": "@batch", "links": 1, "first": 2, "last": 2},
    ),
    (
        "links follow each other",
        (
            "INSERT INTO tasks_provenance (batch_id, number, task_id, record, previous, sha256,"
            " created_at) VALUES ({batch}, 1, {task}, '{{}}', '\\x01', '', now())"
        ),
        {"batch": "@batch", "link": 1},
    ),
    (
        "final labels have their provenance",
        (
            "INSERT INTO tasks_consensus (task_id, name, value, confidence, method, answers,"
            " aggregated_at) SELECT id, 'label', '\"cat\"', 1, 'majority_vote', 1, now()"
            " FROM tasks_task WHERE batch_id = {closed};"
            " UPDATE tasks_batch SET closed_at = '2026-01-01 11:50Z' WHERE id = {closed}"
        ),
        {"batch": "@closed"},
    ),
    *breaking_worktime.BREAKS,
    *breaking_voice.BREAKS,
    *breaking_ratings.BREAKS,
    *breaking_quality.BREAKS,
    *OF_HEARINGS,
]


def test_every_invariant_is_broken_once_here():
    assert {name for name, _, _ in BREAKS} == {each.name for each in invariants.INVARIANTS}


@pytest.mark.parametrize(("name", "sql", "row"), BREAKS, ids=[f"{b[0]}: {b[1]}" for b in BREAKS])
def test_a_broken_invariant_is_reported_with_the_rows_that_break_it(name, sql, row):
    world = busy_marketplace()
    [invariant] = [each for each in invariants.INVARIANTS if each.name == name]
    assert invariants.check(invariant, now=SOON) is None

    damage(world, sql)

    found = invariants.check(invariant, now=SOON)
    expected = {column: meant(said, world) for column, said in row.items()}
    assert any(expected.items() <= row.items() for row in found.rows), found.rows


def meant(said, world):
    """The row that ``"@name"`` stands for."""
    if isinstance(said, list):
        return [meant(each, world) for each in said]
    named = isinstance(said, str) and said.startswith("@")
    return getattr(world, said[1:]) if named else said
