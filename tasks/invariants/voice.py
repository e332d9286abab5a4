"""Workers' voice and their data: votes counted as cast, offices as elected, the erased nameless."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "votes are counted as cast",
        "A counted proposal has as many yes and no as ballots, all cast before its end.",
        """
        SELECT p.id AS proposal, p.yes, p.no, b.yes AS cast_yes, b.no AS cast_no
        FROM workers_proposal p
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE is_yes AND cast_at < p.closes_at) AS yes,
                   count(*) FILTER (WHERE NOT is_yes AND cast_at < p.closes_at) AS no
            FROM workers_ballot WHERE proposal_id = p.id) b
        WHERE p.counted_at IS NOT NULL AND (p.yes, p.no) IS DISTINCT FROM (b.yes, b.no)
        ORDER BY p.id
        """,
    ),
    Invariant(
        "offices were elected",
        "Every office is that of the candidate of a carried election of its kind, and every such"
        " election has its office.",
        """
        SELECT p.id AS proposal, p.outcome, o.id AS office
        FROM workers_proposal p LEFT JOIN workers_office o ON o.proposal_id = p.id
        WHERE (p.outcome = 'carried' AND p.candidate_id IS NOT NULL) <> (o.id IS NOT NULL)
           OR o.kind <> p.kind OR o.worker_id <> p.candidate_id
        ORDER BY p.id
        """,
    ),
    Invariant(
        "consent is what was agreed to",
        "A user's version of the terms is the newest that they agreed to.",
        """
        SELECT u.id AS user, u.terms_version, c.version AS agreed
        FROM workers_user u
        CROSS JOIN LATERAL (
            SELECT coalesce(max(t.version), 0) AS version
            FROM workers_consent c JOIN workers_terms t ON t.id = c.terms_id
            WHERE c.user_id = u.id) c
        WHERE u.terms_version <> c.version ORDER BY u.id
        """,
    ),
    Invariant(
        "the erased have no names",
        "An erased account has a pseudonym, no address, no names, and cannot be logged in to, and"
        " nothing it wrote is left in the forum.",
        """
        SELECT u.id AS user, u.username, u.is_active
        FROM workers_user u
        WHERE u.erased_at IS NOT NULL AND (
            u.username !~ '^erased-' OR u.is_active
            OR (u.email, u.first_name, u.last_name) <> ('', '', '')
            OR EXISTS (SELECT FROM workers_post p JOIN workers_worker w ON w.id = p.author_id
                       WHERE w.user_id = u.id AND p.text <> ''))
        ORDER BY u.id
        """,
    ),
)
