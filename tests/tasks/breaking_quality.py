"""Statements that break what must hold of reviews, restrictions and models."""

from __future__ import annotations

REVIEW = (
    "INSERT INTO tasks_review (batch_id, task_id, reason, confidence, proposal, note, created_at,"
    " status, value) VALUES ({batch}, {task}, 'requested', 0.5, '{{}}', '', now(), "
)
SAID = (
    "INSERT INTO tasks_predictor (project_id, name, version, kind, url, created_at)"
    " SELECT project_id, 'm', '1', 'pushed', '', now() FROM tasks_batch WHERE id = {batch};"
    " INSERT INTO tasks_prediction (predictor_id, task_id, value, has_seen_labels, created_at)"
    " SELECT max(id), {free}, '{{}}', false, now() FROM tasks_predictor; "
)
RESTRICTED = (
    "INSERT INTO tasks_restriction (worker_id, batch_id, sentence, evidence, kind, value, made_at,"
    " until) VALUES ({worker.pk}, {batch}, '', '{{}}', "
)

BREAKS = [
    # A decision was overwritten, or is of somebody else's task.
    (
        "reviews stand",
        REVIEW + "'accepted', '{{\"label\": \"cat\"}}')",
        {"task": "@task", "decided": '{"label": "cat"}', "consensus": None},
    ),
    (
        "reviews follow their batch",
        REVIEW + "'waiting', NULL); UPDATE tasks_review SET batch_id = {closed}",
        {"batch": "@closed", "batch_of_task": "@batch"},
    ),
    (
        "exams are graded once",
        (
            "INSERT INTO workers_event (kind, subject_kind, subject_id, at, data) VALUES"
            " ('exam_graded', 'worker', {worker.pk}, now(), '{{\"batch\": {batch}}}')"
        ),
        {"gradings": 1},
    ),
    # A worker is held to what no rule says any more, or judged by nobody.
    (
        "cursors say what restrictions say",
        "UPDATE tasks_cursor SET paused_until = now() WHERE worker_id = {worker.pk}",
        {"paused_until_by_rules": None},
    ),
    (
        "cursors say what restrictions say",
        RESTRICTED + "'limit', 1, '2026-01-01 12:00Z', '2026-01-02 12:00Z')",
        {"cap": None, "cap_of_rules": 1.0},
    ),
    (
        "restrictions end in time",
        RESTRICTED + "'limit', 1, '2026-01-01 11:00Z', '2026-01-01 11:50Z')",
        {},
    ),
    (
        "flags are decided by humans",
        (
            "INSERT INTO tasks_flag (worker_id, batch_id, kind, sentence, evidence, status,"
            " made_at, reason)"
            " VALUES ({worker.pk}, {batch}, 'gold', '', '{{}}', 'upheld', now(), 'spam')"
        ),
        {"status": "upheld", "decided_by": None, "reason": "spam"},
    ),
    (
        "suspensions are human",
        (
            "INSERT INTO workers_event (kind, subject_kind, subject_id, at, data) VALUES"
            " ('worker_suspended', 'worker', {worker.pk}, now(), '{{\"reason\": \"spam\"}}')"
        ),
        {"actor": None, "reason": "spam"},
    ),
    # A model spoke of somebody else's tasks, or instead of a known answer.
    (
        "suggestions are of their task",
        SAID + "UPDATE tasks_assignment SET suggestion_id = (SELECT max(id) FROM tasks_prediction)"
        " WHERE id = {active}",
        {"assignment": "@active", "task": "@task", "said_of": "@free"},
    ),
    (
        "models stay in their project",
        SAID + "UPDATE tasks_prediction SET task_id = (SELECT min(id) FROM tasks_task"
        " WHERE batch_id = {closed})",
        {},
    ),
    (
        "auto-labels are of ordinary tasks",
        (
            "INSERT INTO tasks_consensus (task_id, name, value, confidence, method, source,"
            " answers, aggregated_at)"
            " SELECT task_id, 'label', '\"cat\"', 1, 'model:m', 'model', 0, now()"
            " FROM tasks_gold"
        ),
        {},
    ),
]
