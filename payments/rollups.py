"""The nightly roll-up: from here on, a busy account's balance is this and what moves later."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from payments.horizon import finished_through

# Only accounts that something moved on since their last one. Each reads its own tail by index.
ROLL_UP = """
    INSERT INTO payments_rollup (account_id, through_id, balance_minor, made_at)
    SELECT account.id, %(through)s, COALESCE(rolled.balance_minor, 0) + tail.minor, %(now)s
    FROM payments_account AS account
    LEFT JOIN LATERAL (
        SELECT through_id, balance_minor FROM payments_rollup
        WHERE account_id = account.id ORDER BY through_id DESC LIMIT 1
    ) AS rolled ON TRUE
    CROSS JOIN LATERAL (
        SELECT SUM(minor) AS minor FROM (
            SELECT amount_minor FROM payments_transfer
            WHERE target_id = account.id
                AND id > COALESCE(rolled.through_id, 0) AND id <= %(through)s
            UNION ALL
            SELECT -amount_minor FROM payments_transfer
            WHERE source_id = account.id
                AND id > COALESCE(rolled.through_id, 0) AND id <= %(through)s
        ) AS entry (minor)
    ) AS tail
    WHERE NOT account.guarded AND tail.minor IS NOT NULL
    ON CONFLICT (account_id, through_id) DO NOTHING
"""


def roll_up(now: datetime) -> int:
    """Write down the balance of each unguarded account that has moved; return how many.

    Two runs at once write the same; a run that dies has written nothing.
    """
    through = finished_through()
    if through is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(ROLL_UP, {"through": through, "now": now})
        return int(cursor.rowcount)
