"""The statements behind the quarterly report: one per section, each with how many people it is of.

Every row is (currency, group, people, figures as JSON); the group ``all`` is a section's total.
"""

from __future__ import annotations

# What was submitted in the quarter, by where workers live: hours, and what they earned per hour.
# Unpaid answers count as time. Bonuses and returned tasks do not count as pay for answers.
PAY = """
WITH done AS (
    SELECT a.worker_id, b.currency, sum(a.worked_seconds) AS seconds,
           sum(CASE WHEN a.paid_at IS NULL THEN 0 ELSE a.reward_minor END + a.effort_minor) AS minor
    FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
    WHERE a.submitted_at >= %(start)s AND a.submitted_at < %(end)s
    GROUP BY a.worker_id, b.currency HAVING sum(a.worked_seconds) > 0
), topped AS (
    SELECT t.worker_id, b.currency, sum(t.reserve_minor + t.guarantee_minor) AS minor
    FROM tasks_topup t JOIN tasks_batch b ON b.id = t.batch_id
    WHERE t.made_at >= %(start)s AND t.made_at < %(end)s AND t.rule <> 'return'
    GROUP BY t.worker_id, b.currency
), earned AS (
    SELECT d.currency, coalesce(nullif(w.country, ''), 'unknown') AS region, d.seconds,
           (d.minor + coalesce(t.minor, 0)) * 3600.0 / d.seconds AS hourly
    FROM done d JOIN workers_worker w ON w.id = d.worker_id
    LEFT JOIN topped t ON (t.worker_id, t.currency) = (d.worker_id, d.currency)
)
SELECT currency, CASE WHEN grouping(region) = 1 THEN 'all' ELSE region END AS name, count(*),
       json_build_object(
           'hours', round(sum(seconds) / 3600.0, 1),
           'hourly_median_minor', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hourly)),
           'hourly_p10_minor', round(percentile_cont(0.1) WITHIN GROUP (ORDER BY hourly)))
FROM earned GROUP BY GROUPING SETS ((currency, region), (currency)) ORDER BY 1, 2
"""

# Of batches closed in the quarter, so that all their top-ups are in: who reached their floor.
FLOOR = """
WITH one AS (
    SELECT a.worker_id, b.id, b.currency,
           ceil(b.floor_minor * sum(a.worked_seconds) / 3600.0) AS owed,
           sum(CASE WHEN a.paid_at IS NULL THEN 0 ELSE a.reward_minor END + a.effort_minor) AS minor
    FROM tasks_batch b JOIN tasks_assignment a ON a.batch_id = b.id
    WHERE b.closed_at >= %(start)s AND b.closed_at < %(end)s AND b.floor_minor IS NOT NULL
      AND a.worked_seconds IS NOT NULL
    GROUP BY a.worker_id, b.id
), worker AS (
    SELECT one.worker_id, one.currency, sum(one.owed) AS owed, sum(one.minor) AS before,
           sum(one.minor + coalesce(t.minor, 0)) AS after
    FROM one LEFT JOIN LATERAL (
        SELECT sum(reserve_minor + guarantee_minor) AS minor FROM tasks_topup
        WHERE batch_id = one.id AND worker_id = one.worker_id AND rule <> 'return') t ON true
    GROUP BY one.worker_id, one.currency
)
SELECT currency, 'all', count(*), json_build_object(
    'share_before_top_ups', round(avg((before >= owed)::int), 2),
    'share_after_top_ups', round(avg((after >= owed)::int), 2))
FROM worker GROUP BY currency ORDER BY 1
"""

TOPUPS = """
SELECT b.currency, payer.name, count(DISTINCT t.worker_id), json_build_object(
    'top_ups', count(*), 'amount_minor', sum(payer.minor))
FROM tasks_topup t JOIN tasks_batch b ON b.id = t.batch_id
CROSS JOIN LATERAL (
    VALUES ('reserve', t.reserve_minor), ('guarantee', t.guarantee_minor)) payer (name, minor)
WHERE t.made_at >= %(start)s AND t.made_at < %(end)s AND payer.minor > 0
GROUP BY b.currency, payer.name ORDER BY 1, 2
"""

REJECTIONS = """
SELECT '', CASE WHEN grouping(fate) = 1 THEN 'all' ELSE fate END, count(DISTINCT worker_id),
       json_build_object('rejections', count(*))
FROM (
    SELECT a.worker_id, CASE WHEN x.status IN ('waiting', 'open', 'appealed') THEN 'pending'
                             ELSE x.status END AS fate
    FROM tasks_rejection x JOIN tasks_assignment a ON a.id = x.assignment_id
    WHERE x.made_at >= %(start)s AND x.made_at < %(end)s
) made GROUP BY GROUPING SETS ((fate), ()) HAVING count(*) > 0 ORDER BY 2
"""

APPEALS = """
SELECT '', CASE WHEN grouping(j.outcome) = 1 THEN 'all' ELSE j.outcome END,
       count(DISTINCT a.worker_id), json_build_object('appeals', count(*))
FROM tasks_appeal j JOIN tasks_assignment a ON a.id = j.rejection_id
WHERE j.status = 'decided' AND j.decided_at >= %(start)s AND j.decided_at < %(end)s
GROUP BY GROUPING SETS ((j.outcome), ()) HAVING count(*) > 0 ORDER BY 2
"""

TIME_TO_PAY = """
SELECT '', 'all', count(DISTINCT worker_id), json_build_object(
    'answers', count(*), 'p50_seconds', round(percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds)),
    'p95_seconds', round(percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds)))
FROM (
    SELECT worker_id, greatest(0, extract(epoch FROM paid_at - submitted_at)) AS seconds
    FROM tasks_assignment WHERE paid_at >= %(start)s AND paid_at < %(end)s
) paid HAVING count(*) > 0
"""

# Suspensions and closures, and what undid them.
DECISIONS = """
SELECT '', kind, count(DISTINCT concerns_id), json_build_object('decisions', count(*))
FROM workers_decision
WHERE kind IN ('suspend', 'close', 'limit', 'reinstate', 'reverse')
  AND made_at >= %(start)s AND made_at < %(end)s
GROUP BY kind ORDER BY 2
"""

RETURNS = """
SELECT b.currency, 'paid', count(DISTINCT t.worker_id), json_build_object(
    'payments', count(*), 'amount_minor', sum(t.reserve_minor + t.guarantee_minor))
FROM tasks_topup t JOIN tasks_batch b ON b.id = t.batch_id
WHERE t.made_at >= %(start)s AND t.made_at < %(end)s AND t.rule = 'return'
GROUP BY b.currency ORDER BY 1
"""

FEES = """
SELECT b.currency, 'all', count(DISTINCT a.worker_id), json_build_object(
    'fees_minor', sum(a.fee_minor), 'rewards_minor', sum(a.reward_minor))
FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
WHERE a.paid_at >= %(start)s AND a.paid_at < %(end)s GROUP BY b.currency ORDER BY 1
"""

# Of no worker: what the platform decided, and what it lost.
FLOOR_CHANGES = """
SELECT currency, jurisdiction || ' from ' || valid_from, NULL,
       json_build_object('per_hour_minor', per_hour_minor)
FROM payments_wagefloor
WHERE approved_at >= %(start)s AND approved_at < %(end)s ORDER BY 1, 2
"""

DISPUTES = """
SELECT f.currency, 'all', NULL, json_build_object(
    'opened', count(*) FILTER (WHERE d.opened_at >= %(start)s AND d.opened_at < %(end)s),
    'lost', count(*) FILTER (
        WHERE d.status = 'lost' AND d.closed_at >= %(start)s AND d.closed_at < %(end)s),
    'absorbed_minor', coalesce((
        SELECT sum(t.amount_minor) FROM payments_account s
        JOIN payments_transfer t ON t.source_id = s.id
        WHERE s.purpose = 'dispute_losses' AND s.currency = f.currency
          AND t.posted_at >= %(start)s AND t.posted_at < %(end)s), 0))
FROM payments_dispute d JOIN payments_funding f ON f.id = d.funding_id
WHERE d.opened_at < %(end)s AND (d.closed_at IS NULL OR d.closed_at >= %(start)s)
GROUP BY f.currency ORDER BY 1
"""
