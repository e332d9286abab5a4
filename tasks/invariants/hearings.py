"""Refused pay and standing: each decided by a human who is written down, each heard in time."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant
from tasks.invariants.people import IDENTITY

INVARIANTS = (
    Invariant(
        "refusals have their hearing",
        "A rejected assignment has a rejection whose window is open, which is appealed or final,"
        " and a decision of a human; what was overturned or declined is accepted, and what waits"
        " for a human is not decided.",
        """
        SELECT a.id AS assignment, a.status, r.status AS rejection, d.made_by_id AS made_by
        FROM tasks_assignment a
        FULL JOIN tasks_rejection r ON r.assignment_id = a.id
        LEFT JOIN workers_decision d ON d.id = r.decision_id AND d.kind = 'refuse_pay'
          AND d.subject_kind = 'assignment' AND d.subject_id = a.id
        WHERE (a.status = 'rejected')
              <> (coalesce(r.status, '') IN ('open', 'appealed', 'final'))
           OR r.status IN ('overturned', 'declined') AND a.status <> 'accepted'
           OR r.status = 'waiting' AND a.status <> 'submitted'
           OR r.status NOT IN ('waiting', 'declined') AND d.made_by_id IS NULL
        ORDER BY a.id
        """,
    ),
    Invariant(
        "rejections become final in time",
        "No rejection is still open long after the last day to appeal.",
        """
        SELECT assignment_id AS assignment, appeal_until FROM tasks_rejection
        WHERE status = 'open' AND appeal_until < %(now)s::timestamptz - %(late)s::interval
        ORDER BY assignment_id
        """,
    ),
    Invariant(
        "appeals are what their rejections say",
        "A rejection is appealed exactly while its appeal is undecided, and ends as that says.",
        """
        SELECT r.assignment_id AS assignment, r.status, p.status AS appeal, p.outcome
        FROM tasks_rejection r LEFT JOIN tasks_appeal p ON p.rejection_id = r.assignment_id
        WHERE (r.status = 'appealed') <> coalesce(p.status IN ('open', 'human'), false)
           OR p.outcome = 'overturned' AND r.status <> 'overturned'
           OR p.outcome = 'upheld' AND r.status <> 'final'
           OR r.status = 'overturned' AND p.outcome IS DISTINCT FROM 'overturned'
        ORDER BY r.assignment_id
        """,
    ),
    Invariant(
        "appeals come to a human in time",
        "No appeal is still before a jury long after the jury's time was up.",
        """
        SELECT rejection_id AS assignment, jury_until FROM tasks_appeal
        WHERE status = 'open' AND jury_until < %(now)s::timestamptz - %(late)s::interval
        ORDER BY rejection_id
        """,
    ),
    Invariant(
        "efforts are paid once",
        "Every refused answer that is marked paid for its time has one payment of it, from its"
        " batch's escrow to its worker; no other has any.",
        """
        SELECT due.id AS assignment, due.effort_minor AS due_minor,
               paid.id AS transfer, paid.amount_minor AS paid_minor
        FROM (
            SELECT a.id, a.effort_minor, r.effort_minor AS owed, b.currency, b.escrow_id, w.user_id
            FROM tasks_assignment a
            JOIN tasks_batch b ON b.id = a.batch_id
            JOIN workers_worker w ON w.id = a.worker_id
            LEFT JOIN tasks_rejection r ON r.assignment_id = a.id AND r.effort_paid_at IS NOT NULL
            WHERE a.effort_minor > 0 OR r.effort_paid_at IS NOT NULL
        ) due FULL JOIN (
            SELECT t.id, t.key, t.amount_minor, t.currency, t.source_id, e.purpose, e.owner_id
            FROM payments_transfer t JOIN payments_account e ON e.id = t.target_id
            WHERE t.kind = 'effort'
        ) paid ON paid.key = 'effort:' || due.id
        WHERE due.id IS NULL OR paid.id IS NULL OR due.owed IS DISTINCT FROM due.effort_minor
           OR (paid.amount_minor, paid.currency, paid.source_id, paid.purpose, paid.owner_id)
              IS DISTINCT FROM
              (due.effort_minor, due.currency, due.escrow_id, 'earnings', due.user_id)
        ORDER BY due.id, paid.id
        """,
    ),
    Invariant(
        "jurors have no part in their case",
        "No juror is the person who appeals or the person who refused, and none sits twice.",
        f"""{IDENTITY}, sitting AS (
            SELECT j.id, j.appeal_id, j.joined_at, i.person, l.at AS linked_at,
                   count(*) OVER (PARTITION BY j.appeal_id, i.person) AS seats
            FROM tasks_juror j
            JOIN workers_worker w ON w.id = j.worker_id
            JOIN workers_user u ON u.id = w.user_id
            JOIN identity i ON i.id = u.person_id
            LEFT JOIN linked l ON l.person = i.person
        )
        SELECT s.id AS juror, s.appeal_id AS assignment, s.person, s.seats
        FROM sitting s
        JOIN tasks_assignment a ON a.id = s.appeal_id
        JOIN workers_worker w ON w.id = a.worker_id
        JOIN workers_user appellant ON appellant.id = w.user_id
        JOIN identity ai ON ai.id = appellant.person_id
        JOIN tasks_batch b ON b.id = a.batch_id
        JOIN tasks_project p ON p.id = b.project_id
        JOIN workers_user requester ON requester.id = p.requester_id
        JOIN identity ri ON ri.id = requester.person_id
        WHERE (s.person IN (ai.person, ri.person) OR s.seats > 1)
          AND (s.linked_at IS NULL OR s.joined_at > s.linked_at)
        ORDER BY s.id
        """,  # noqa: S608
    ),
    Invariant(
        "jurors are paid once",
        "Every juror who is marked paid has one payment for their vote; no other has any.",
        """
        SELECT due.id AS juror, due.pay_minor AS due_minor,
               paid.id AS transfer, paid.amount_minor AS paid_minor
        FROM (
            SELECT j.id, j.pay_minor, j.currency, w.user_id, j.voted_at
            FROM tasks_juror j JOIN workers_worker w ON w.id = j.worker_id
            WHERE j.paid_at IS NOT NULL
        ) due FULL JOIN (
            SELECT t.id, t.key, t.amount_minor, t.currency, s.purpose AS source, e.purpose,
                   e.owner_id
            FROM payments_transfer t
            JOIN payments_account s ON s.id = t.source_id
            JOIN payments_account e ON e.id = t.target_id
            WHERE t.kind = 'review_pay'
        ) paid ON paid.key = 'juror:' || due.id
        WHERE due.id IS NULL OR paid.id IS NULL OR due.voted_at IS NULL
           OR (paid.amount_minor, paid.currency, paid.source, paid.purpose, paid.owner_id)
              IS DISTINCT FROM (due.pay_minor, due.currency, 'review_pay', 'earnings', due.user_id)
        ORDER BY due.id, paid.id
        """,
    ),
    Invariant(
        "accounts stand as was decided",
        "Every suspended or closed account has a decision of that kind, by a human, which nothing"
        " has undone since; every other has none.",
        """
        SELECT w.id AS worker, w.status, d.kind AS decision, d.made_by_id AS made_by
        FROM workers_worker w
        LEFT JOIN LATERAL (
            SELECT kind, made_by_id FROM workers_decision
            WHERE subject_kind = 'worker' AND subject_id = w.id
              AND kind IN ('suspend', 'close', 'reinstate', 'reverse')
            ORDER BY id DESC LIMIT 1
        ) d ON true
        WHERE (w.status = 'suspended') <> (coalesce(d.kind, '') = 'suspend')
           OR (w.status = 'closed') <> (coalesce(d.kind, '') = 'close')
           OR d.kind IN ('suspend', 'close') AND d.made_by_id IS NULL
        ORDER BY w.id
        """,
    ),
)
