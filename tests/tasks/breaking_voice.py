"""Statements that break what must hold of votes, offices, consent and erasure."""

from __future__ import annotations

PROPOSED = (
    "INSERT INTO workers_proposal (kind, title, text, candidate_id, proposed_by_id, opened_at,"
    " closes_at, yes, no, outcome, counted_at) VALUES ('reviewer', 't', 't', {worker.pk},"
    " {worker.user_id}, now(), now() + interval '1 day', 1, 0, "
)
CAST = (
    "INSERT INTO workers_ballot (proposal_id, person_id, is_yes, cast_at)"
    " SELECT max(id), {other_person}, true, now() FROM workers_proposal; "
)
HELD = (
    "INSERT INTO workers_office (worker_id, kind, proposal_id, since, until)"
    " SELECT {worker.pk}, 'representative', max(id), now(), now() + interval '1 day'"
    " FROM workers_proposal"
)

BREAKS = [
    # A ballot was lost, or counted that nobody cast.
    (
        "votes are counted as cast",
        PROPOSED + "'lost', now())",
        {"yes": 1, "cast_yes": 0},
    ),
    # Somebody is in office whom nobody elected, or elected and not in office.
    (
        "offices were elected",
        PROPOSED + "'carried', now()); " + CAST,
        {"outcome": "carried", "office": None},
    ),
    (
        "offices were elected",
        PROPOSED + "'carried', now()); " + CAST + HELD,
        {"outcome": "carried"},
    ),
    (
        "consent is what was agreed to",
        "UPDATE workers_user SET terms_version = 3 WHERE id = {worker.user_id}",
        {"terms_version": 3, "agreed": 0},
    ),
    (
        "the erased have no names",
        (
            "UPDATE workers_user SET erased_at = now(), is_active = false"
            " WHERE id = {worker.user_id}"
        ),
        {"is_active": False},
    ),
    (
        "the erased have no names",
        (
            "UPDATE workers_user SET erased_at = now(), username = 'erased-1', email = ''"
            " WHERE id = {worker.user_id}"
        ),
        {"username": "erased-1", "is_active": True},
    ),
]
