"""What is said of requesters: by those who worked for them, and counted from final decisions."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "ratings are by who worked there",
        "A rating is of its batch's requester, by a worker with a decided answer in that batch.",
        """
        SELECT g.id AS rating, g.requester_id = p.requester_id AS of_the_requester
        FROM tasks_rating g JOIN tasks_batch b ON b.id = g.batch_id
        JOIN tasks_project p ON p.id = b.project_id
        WHERE g.requester_id <> p.requester_id OR NOT EXISTS (
            SELECT FROM tasks_assignment a
            WHERE a.worker_id = g.worker_id AND a.batch_id = g.batch_id
              AND a.status IN ('accepted', 'rejected'))
        ORDER BY g.id
        """,
    ),
    Invariant(
        "records add up",
        "Of the answers in a requester's record each was accepted or rejected, and no more appeals"
        " were upheld than were heard.",
        """
        SELECT requester_id AS requester, decided, accepted, rejected FROM tasks_requesterrecord
        WHERE decided <> accepted + rejected OR overturned > appeals
        ORDER BY requester_id
        """,
    ),
)
