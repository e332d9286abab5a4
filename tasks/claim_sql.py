"""The two statements of a claim. ``distribute.claim`` says when each runs, and why.

Measured alternatives and the reasons for this form: docs/decisions/0002-claim-by-cursor.md.
"""

from __future__ import annotations

# Locking the cursor row lets one worker claim once at a time, and nobody wait for anybody else.
# The rows of worker and batch are locked as their foreign keys will be anyway: people.link waits
# for the claim, and so does publish.raise_reward, or a claim would still write the old reward.
STAND = """
SELECT c.id, c.position, c.gold_position, c.gold_rest_until, c.rescan_at, c.rescan_seconds,
       c.requirements_version = b.requirements_version
         AND c.qualifications_version = w.qualifications_version AS eligible,
       b.requirements_version, w.qualifications_version,
       b.status, b.low_water,
       least(b.max_live_assignments, c.max_live_assignments) AS max_live_assignments,
       greatest(b.gold_rate, c.gold_rate) AS gold_rate, b.gold_count - b.gold_retired AS gold_count,
       c.paused_until, b.redundancy = 'adaptive' AS is_adaptive,
       b.version_id, b.currency, b.reward_minor, b.fee_minor, b.assignment_duration,
       -- Where audits vouch for predictions nobody is shown any, or they would not be blind.
       b.prelabels AND b.auto_label_error IS NULL AS suggests,
       b.pilot_left IS NOT NULL AS is_pilot, w.rest_until
FROM tasks_cursor c
JOIN tasks_batch b ON b.id = c.batch_id
JOIN workers_worker w ON w.id = c.worker_id
WHERE c.batch_id = %(batch)s AND c.worker_id = %(worker)s
FOR UPDATE OF c FOR KEY SHARE OF w, b
"""

# A task is open to a worker unless they, or another account of theirs, have been assigned it
# before or wrote it. The scalar subquery keeps the planner on the unique index even while
# statistics still say that there are no assignments.
UNSEEN = """
t.author_id IS DISTINCT FROM (SELECT person_id FROM me)
AND (t.expires_at IS NULL OR t.expires_at > %(now)s::timestamptz)
AND (SELECT true FROM tasks_assignment a
     WHERE a.task_id = t.id AND a.person_id = (SELECT person_id FROM me) LIMIT 1) IS NULL
"""

AHEAD = """
t.batch_id = %(batch)s AND t.is_open AND t.lane = 1 AND t.position > %(position)s
"""

# The first of what was handed back: all of it, for one worker who has seen it all, would be a scan.
RETURNED = """
t.batch_id = %(batch)s AND t.is_open AND t.lane = 0 AND t.position <= coalesce((
    SELECT w.position FROM tasks_task w WHERE w.batch_id = %(batch)s AND w.is_open AND w.lane = 0
    ORDER BY w.position OFFSET %(urgent_window)s LIMIT 1), t.position)
"""

# Tasks are locked without their keys: predictions that are being written refer to them, and a long
# upload of those must not make every task look taken.
# The worker's person is read here, after their row was locked, in case people.link has changed it.
TAKE = f"""
WITH me AS MATERIALIZED (
    SELECT u.person_id FROM workers_worker w JOIN workers_user u ON u.id = w.user_id
    WHERE w.id = %(worker)s
), room AS (
    SELECT greatest(0, least(%(count)s::int, %(cap)s::int - (
        SELECT count(*) FROM tasks_assignment a
        WHERE a.worker_id = %(worker)s AND a.batch_id = %(batch)s AND a.status = 'active'
    ))) AS n
), wanted AS (
    -- Gold is worth its price only among other tasks; alone, it would also show.
    SELECT CASE WHEN %(gold)s::int > 0 AND (
        EXISTS (SELECT 1 FROM tasks_task t WHERE {AHEAD} AND {UNSEEN})
        OR EXISTS (SELECT 1 FROM tasks_task t WHERE {RETURNED} AND {UNSEEN})
    ) THEN least(%(gold)s::int, (SELECT n FROM room)) ELSE 0 END AS gold
), gold_ahead AS (
    SELECT t.id, t.position FROM tasks_task t
    WHERE t.batch_id = %(batch)s AND t.is_open AND t.lane = 2
      AND t.position > %(gold_position)s AND {UNSEEN}
    ORDER BY t.position LIMIT (SELECT gold FROM wanted)
    FOR NO KEY UPDATE OF t SKIP LOCKED
), gold_behind AS (
    SELECT t.id, t.position FROM tasks_task t
    WHERE t.batch_id = %(batch)s AND t.is_open AND t.lane = 2
      AND t.position <= %(gold_position)s AND {UNSEEN}
    ORDER BY t.position LIMIT (SELECT gold FROM wanted) - (SELECT count(*) FROM gold_ahead)
    FOR NO KEY UPDATE OF t SKIP LOCKED
), gold AS (
    SELECT id FROM gold_ahead UNION ALL SELECT id FROM gold_behind
), urgent AS (
    SELECT t.id FROM tasks_task t WHERE {RETURNED} AND {UNSEEN}
    ORDER BY t.position LIMIT (SELECT n FROM room) - (SELECT count(*) FROM gold)
    FOR NO KEY UPDATE OF t SKIP LOCKED
), normal AS (
    SELECT t.id, t.position FROM tasks_task t WHERE {AHEAD} AND {UNSEEN}
    ORDER BY t.position
    LIMIT (SELECT n FROM room) - (SELECT count(*) FROM gold) - (SELECT count(*) FROM urgent)
    FOR NO KEY UPDATE OF t SKIP LOCKED
), picked AS (
    SELECT id, true AS is_gold FROM gold
    UNION ALL SELECT id, false FROM urgent
    UNION ALL SELECT id, false FROM normal
), taken AS (
    UPDATE tasks_task t SET remaining_overlap = t.remaining_overlap - 1,
                            is_open = t.remaining_overlap > 1
    FROM picked WHERE t.id = picked.id
), moved AS (
    UPDATE tasks_cursor c SET
        position = greatest(%(position)s::bigint, (SELECT max(position) FROM normal)),
        gold_position = coalesce(
            (SELECT max(position) FROM gold_behind), (SELECT max(position) FROM gold_ahead),
            c.gold_position),
        gold_rest_until = CASE
            WHEN (SELECT count(*) FROM gold) < (SELECT gold FROM wanted)
                THEN %(gold_rest_until)s::timestamptz
            ELSE c.gold_rest_until
        END,
        -- Whoever finds something may look behind again soon.
        rescan_at = CASE WHEN EXISTS (SELECT FROM picked) THEN NULL
                         ELSE %(rescan_at)s::timestamptz END,
        rescan_seconds = CASE WHEN EXISTS (SELECT FROM picked) THEN 0
                              ELSE %(rescan_seconds)s::int END,
        requirements_version = %(requirements_version)s,
        qualifications_version = %(qualifications_version)s
    WHERE c.id = %(cursor)s
), made AS (
    INSERT INTO tasks_assignment (
        batch_id, task_id, worker_id, person_id, status, is_gold, reward_minor, fee_minor,
        claimed_at, deadline_at, reason, suggestion_id)
    SELECT %(batch)s::bigint, id, %(worker)s::bigint, (SELECT person_id FROM me), 'active', is_gold,
           %(reward)s::bigint, %(fee)s::bigint, %(now)s::timestamptz, %(deadline)s, '',
           -- Of the newest predictor; not looked for unless the batch shows suggestions.
           CASE WHEN %(suggests)s::boolean THEN (
               SELECT p.id FROM tasks_prediction p
               WHERE p.task_id = picked.id AND p.value <> '{{}}'
               ORDER BY p.predictor_id DESC LIMIT 1) END
    FROM picked ORDER BY random()  -- so that the order of a handful does not give away the gold
    RETURNING id, task_id, is_gold, suggestion_id
)
SELECT room.n::int, made.id, made.task_id, i.data,
       CASE WHEN made.suggestion_id IS NOT NULL THEN (
           SELECT p.value FROM tasks_prediction p WHERE p.id = made.suggestion_id) END
FROM room LEFT JOIN made ON true LEFT JOIN tasks_taskinput i ON i.task_id = made.task_id
ORDER BY made.id
"""  # noqa: S608  (put together from constants of this module)

# Open tasks far behind the median cursor. Positions are random numbers of 52 bits, so "2,000 tasks
# behind" is a share of that range. Tasks in waves (tasks.slots) are few: any that is behind counts.
STRAGGLERS = """
WITH median AS (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY position) AS position
    FROM tasks_cursor WHERE batch_id = %(batch)s AND position > -9223372036854775808
), behind AS (
    SELECT t.id FROM tasks_task t, median m, tasks_batch b
    WHERE b.id = %(batch)s AND t.batch_id = %(batch)s AND t.is_open AND t.lane = 1
      AND t.position < m.position - CASE
          WHEN t.position >= 4611686018427387904 THEN 0
          ELSE 4503599627370496::numeric * 2000 / greatest(b.task_count, 1) END
    ORDER BY t.position LIMIT %(limit)s FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE tasks_task t SET lane = 0 FROM behind WHERE t.id = behind.id
"""

LOW_WATER = """
UPDATE tasks_batch SET low_water = coalesce(
    (SELECT t.position - 1 FROM tasks_task t
     WHERE t.batch_id = %(batch)s AND t.is_open AND t.lane = 1 ORDER BY t.position LIMIT 1),
    low_water)
WHERE id = %(batch)s
"""
