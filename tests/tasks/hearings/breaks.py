"""How each invariant of hearings is broken: see tests.tasks.test_broken_invariants."""

from __future__ import annotations

APPEALED = (
    "INSERT INTO tasks_appeal (rejection_id, message, status, made_at, jury_until, due_at, outcome,"
    " answer) VALUES ({rejected}, '', 'open', now(), '2026-01-01 11:50Z', now(), '', '');"
    " UPDATE tasks_rejection SET status = 'appealed'; "
)
SEATED = (
    "INSERT INTO tasks_juror (appeal_id, seat, worker_id, person_id, joined_at, leave_at, vote,"
    " reason, pay_minor, currency, voted_at, paid_at)"
    " SELECT {rejected}, 1, worker_id, person_id, now(), now(), 'uphold', '', 5, 'USD', now(), "
)
BREAKS = [
    # Pay was refused without a hearing, or a hearing was not held to.
    (
        "refusals have their hearing",
        "DELETE FROM tasks_rejection",
        {"assignment": "@rejected", "status": "rejected", "rejection": None},
    ),
    (
        "refusals have their hearing",
        "UPDATE workers_decision SET made_by_id = NULL",
        {"assignment": "@rejected", "rejection": "open", "made_by": None},
    ),
    (
        "refusals have their hearing",
        "UPDATE tasks_rejection SET status = 'overturned'",
        {"assignment": "@rejected", "rejection": "overturned"},
    ),
    (
        "refusals have their hearing",
        "UPDATE tasks_rejection SET status = 'waiting'",
        {"assignment": "@rejected", "rejection": "waiting"},
    ),
    (
        "rejections become final in time",
        "UPDATE tasks_rejection SET appeal_until = '2026-01-01 11:50Z'",
        {"assignment": "@rejected"},
    ),
    (
        "appeals are what their rejections say",
        "UPDATE tasks_rejection SET status = 'appealed'",
        {"assignment": "@rejected", "appeal": None},
    ),
    (
        "appeals are what their rejections say",
        APPEALED + "UPDATE tasks_appeal SET status = 'decided', outcome = 'upheld'",
        {"assignment": "@rejected", "status": "appealed", "outcome": "upheld"},
    ),
    ("appeals come to a human in time", APPEALED, {"assignment": "@rejected"}),
    (
        "efforts are paid once",
        "UPDATE tasks_assignment SET effort_minor = 1 WHERE id = {rejected}",
        {"assignment": "@rejected", "due_minor": 1, "transfer": None},
    ),
    (
        "efforts are paid once",
        "UPDATE payments_transfer SET kind = 'effort' WHERE key = 'reward:{paid}'",
        {"assignment": None, "paid_minor": 5},
    ),
    (
        "jurors have no part in their case",
        APPEALED + SEATED + "NULL FROM tasks_assignment WHERE id = {rejected}",
        {"assignment": "@rejected", "seats": 1},
    ),
    (
        "jurors have no part in their case",
        (
            f"{APPEALED}{SEATED}NULL FROM tasks_assignment WHERE id = {{active}};"
            f" {SEATED.replace(', 1,', ', 2,')}NULL FROM tasks_assignment WHERE id = {{waiting}};"
            " UPDATE workers_user SET person_id = {other_person} WHERE id = {worker.user_id}"
        ),
        {"person": "@other_person", "seats": 2},
    ),
    (
        "jurors have no part in their case",
        (
            f"{APPEALED}{SEATED}NULL FROM tasks_assignment WHERE id = {{active}};"
            " UPDATE workers_user SET person_id = {requester.person_id}"
            " WHERE id = {worker.user_id}"
        ),
        {"assignment": "@rejected", "seats": 1},
    ),
    (
        "jurors are paid once",
        APPEALED + SEATED + "now() FROM tasks_assignment WHERE id = {active}",
        {"due_minor": 5, "transfer": None},
    ),
    (
        "accounts stand as was decided",
        "UPDATE workers_worker SET status = 'suspended' WHERE id = {worker.pk}",
        {"status": "suspended", "decision": None},
    ),
    (
        "accounts stand as was decided",
        (
            "UPDATE workers_decision SET kind = 'close', subject_kind = 'worker',"
            " subject_id = {worker.pk}"
        ),
        {"status": "active", "decision": "close"},
    ),
]
