"""The statements that keep the clock of an assignment: a beat, a submit and a skip.

They measure what ``tasks.wages.time`` says, without reading beats again: of those only sums are
kept. Whoever holds several assignments, in one batch or in many, works on one at a time, so the
clock of what they hold starts anew when they submit or skip another.
"""

from __future__ import annotations

from tasks.wages.time import IDLE_SECONDS, MILLISECONDS

BEAT_REST_SECONDS = 10  # from one beat that counts to the next


def _held(since: str, clocked: str) -> str:
    """One assignment with its clock, from the latest of claim, submit and skip on.

    Beats from before that belong to what was worked on then.
    """
    return f"""
held AS MATERIALIZED (
    SELECT a.id, a.status, a.beat_at, a.active_seconds, a.covered_seconds,
           greatest(a.claimed_at, {since}) AS started,
           coalesce(a.beat_at >= greatest(a.claimed_at, {since}), false) AS has_beats
    FROM tasks_assignment a, {clocked}
    WHERE a.id = %(assignment)s AND a.worker_id = %(worker)s
), clock AS (
    SELECT id, status, has_beats,
           CASE WHEN has_beats THEN active_seconds ELSE 0 END AS active,
           CASE WHEN has_beats THEN covered_seconds ELSE 0 END AS covered,
           greatest(0, extract(epoch FROM %(now)s::timestamptz - started))::float8 AS elapsed,
           greatest(0, extract(epoch FROM %(now)s::timestamptz
                       - CASE WHEN has_beats THEN beat_at ELSE started END))::float8 AS gap
    FROM held
), sums AS (
    SELECT id, status, has_beats, elapsed,
           active + least(gap, {IDLE_SECONDS}) AS active,
           covered + CASE WHEN gap <= {IDLE_SECONDS} THEN gap ELSE 0 END AS covered,
           active AS active_before
    FROM clock
)"""  # noqa: S608  (put together from constants of this module)


def _whole(seconds: str) -> str:
    return f"ceil(round(({seconds})::numeric, {MILLISECONDS}))::int"


# The worker's clock goes first, everywhere: two submits of one worker at once would otherwise count
# the same minutes twice. Claims share the row's key, and do not wait. The row is touched once: to
# lock it and then to change it would be two places in its queue, and whoever comes between waits
# for this statement while it waits for them.
TICKED = """
ticked AS (
    UPDATE workers_worker w SET clock_before = w.clock_at,
                                clock_at = greatest(w.clock_at, %(now)s::timestamptz)
    FROM tasks_assignment a
    WHERE a.id = %(assignment)s AND a.worker_id = %(worker)s AND a.status = 'active'
      AND w.id = a.worker_id
    RETURNING w.clock_before
)"""
MEASURED = f"""
{TICKED}, {_held("t.clock_before", "ticked t")},
measured AS (
    SELECT id, {_whole("elapsed")} AS elapsed,
           CASE WHEN has_beats AND elapsed > 0
                THEN least({_whole("active")}, {_whole("elapsed")})
                ELSE {_whole("elapsed")} END AS seconds,
           CASE WHEN has_beats AND elapsed > 0
                THEN least(1, covered / elapsed) ELSE 0 END AS coverage
    FROM sums
)"""  # noqa: S608

# One statement, so that status, time, answer and hash are there together or not at all. The sweep
# that expires an assignment, and a second submit, look for the same status: whoever comes first
# wins.
SUBMIT = f"""
WITH {MEASURED}, moved AS (
    UPDATE tasks_assignment a SET status = 'submitted', submitted_at = %(now)s,
        accept_due_at = %(now)s + (SELECT auto_accept_delay FROM tasks_batch WHERE id = a.batch_id),
        worked_seconds = CASE
            WHEN %(reported)s::int IS NULL THEN m.seconds
            ELSE greatest(m.seconds,
                          least(%(reported)s::int, m.elapsed, (3 * m.seconds + 1) / 2)) END,
        coverage = m.coverage, reported_seconds = %(reported)s::int
    FROM measured m WHERE a.id = m.id AND a.status = 'active'
    RETURNING a.id
)
INSERT INTO tasks_answer (assignment_id, value, sha256, created_at)
SELECT id, %(value)s::jsonb, sha256(convert_to((%(value)s::jsonb)::text, 'UTF8')), %(now)s
FROM moved
"""  # noqa: S608

SKIP = f"""
WITH {MEASURED}, moved AS (
    UPDATE tasks_assignment a SET status = 'skipped', finished_at = %(now)s, reason = %(reason)s
    FROM measured m WHERE a.id = m.id AND a.status = 'active'
    RETURNING m.seconds
)
SELECT seconds FROM moved
"""  # noqa: S608

# A beat that does not count writes nothing.
CLOCK = "(SELECT clock_at FROM workers_worker WHERE id = %(worker)s) w"
BEAT = f"""
WITH {_held("w.clock_at", CLOCK)}, counted AS (
    UPDATE tasks_assignment a SET beats = a.beats + 1, beat_at = %(now)s,
        active_seconds = s.active, covered_seconds = s.covered
    FROM sums s
    WHERE a.id = s.id AND a.status = 'active' AND %(visible)s::boolean AND (
        a.beat_at IS NULL
        OR a.beat_at <= %(now)s::timestamptz - interval '{BEAT_REST_SECONDS} seconds')
    RETURNING a.active_seconds
)
SELECT s.status, {_whole("coalesce((SELECT active_seconds FROM counted), s.active_before)")}
FROM sums s
"""  # noqa: S608
