"""Damage to what is said of requesters, and the invariant that sees it."""

from __future__ import annotations

RATED = (
    "INSERT INTO tasks_rating (requester_id, worker_id, batch_id, fairness, pay, speed,"
    " communication, text, reply, made_at) SELECT {owner}, {rater}, {{batch}}, 1, 1, 1, 1, '', '',"
    " now(); "
)
BREAKS = [
    # Somebody rates who did not work there, or one who did rates somebody else.
    (
        "ratings are by who worked there",
        RATED.format(owner="{requester.pk}", rater="{worker.pk}"),
        {"of_the_requester": True},
    ),
    (
        "ratings are by who worked there",
        RATED.format(
            owner="{worker.user_id}",
            rater="(SELECT worker_id FROM tasks_assignment WHERE id = {paid})",
        ),
        {"of_the_requester": False},
    ),
    # A record was counted wrongly.
    (
        "records add up",
        (
            "INSERT INTO tasks_requesterrecord (requester_id, decided, accepted, rejected,"
            " appeals, overturned, ratings, computed_at)"
            " VALUES ({requester.pk}, 3, 1, 1, 0, 0, 0, now())"
        ),
        {"decided": 3, "accepted": 1, "rejected": 1},
    ),
]
