"""Statements that break what must hold of working time and returns, for test_broken_invariants."""

from __future__ import annotations

RETURNED = (
    "INSERT INTO tasks_return (assignment_id, batch_id, reason, text, seconds, amount_minor,"
    " status, made_at, due_at, decided_at, decided_reason)"
    " VALUES ({skipped}, {batch}, 'broken', '', "
)
PAID = (
    "INSERT INTO tasks_topup (batch_id, worker_id, rule, number, reserve_minor, guarantee_minor,"
    " inputs, made_at) SELECT {batch}, worker_id, 'return', 1, 4, 0,"
    " jsonb_build_object('assignment', id), now() FROM tasks_assignment WHERE id = {skipped}"
)
LONG_AGO = "'2026-01-01 11:00Z'"

BREAKS = [
    # Somebody worked longer than they had, or before anything was timed.
    (
        "work takes no longer than it can",
        "UPDATE tasks_assignment SET worked_seconds = 61 WHERE id = {waiting}",
        {"assignment": "@waiting", "worked_seconds": 61, "elapsed": 60},
    ),
    (
        "work takes no longer than it can",
        "UPDATE tasks_assignment SET coverage = 1.5 WHERE id = {waiting}",
        {"assignment": "@waiting", "coverage": 1.5},
    ),
    (
        "work takes no longer than it can",
        "UPDATE tasks_assignment SET coverage = NULL WHERE id = {waiting}",
        {"assignment": "@waiting", "worked_seconds": 60, "coverage": None},
    ),
    (
        "work takes no longer than it can",
        "UPDATE tasks_assignment SET worked_seconds = 1, coverage = 0 WHERE id = {active}",
        {"assignment": "@active", "status": "active"},
    ),
    (
        "nobody works on two at a time",
        "UPDATE tasks_assignment SET worked_seconds = 62 WHERE id = {waiting}",
        {"batch": "@batch", "worked": 62, "elapsed": 60},
    ),
    # A task was handed back that was not, or was paid for twice, or never.
    (
        "returns were handed back",
        RETURNED + "9999, 0, 'nothing', now(), now(), NULL, '')",
        {"assignment": "@skipped", "status": "skipped", "seconds": 9999},
    ),
    (
        "returns were handed back",
        RETURNED + "0, 0, 'nothing', now(), now(), NULL, '');"
        " UPDATE tasks_return SET assignment_id = {waiting}",
        {"assignment": "@waiting", "status": "submitted"},
    ),
    (
        "returns are paid once",
        RETURNED + "1, 4, 'paid', now(), now(), now(), '')",
        {"assignment": "@skipped", "due_minor": 4, "topup": None},
    ),
    (
        "returns are paid once",
        RETURNED + "1, 5, 'paid', now(), now(), now(), ''); " + PAID,
        {"assignment": "@skipped", "due_minor": 5, "paid_minor": 4},
    ),
    ("returns are paid once", PAID, {"assignment": None, "paid_minor": 4}),
    (
        "returns are settled in time",
        RETURNED + f"1, 4, 'waiting', {LONG_AGO}, {LONG_AGO}, NULL, '')",
        {"assignment": "@skipped", "status": "waiting"},
    ),
    (
        "returns are settled in time",
        RETURNED + f"1, 4, 'granted', {LONG_AGO}, now(), {LONG_AGO}, '')",
        {"assignment": "@skipped", "status": "granted"},
    ),
]
