"""Prove that the books balance: nothing made, nothing lost, nothing spent twice.

Everything is computed again from the transfers, in one statement and so on one
snapshot: it may run while money moves.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection


class Imbalance(NamedTuple):
    """One defect of the books, in minor units of ``currency``."""

    problem: str
    account_id: int | None  # None: a whole currency, or an account that was never opened
    currency: str
    expected_minor: int
    found_minor: int


class Totals(NamedTuple):
    """What has moved in one currency since the beginning, in minor units."""

    currency: str
    deposited_minor: int
    escrowed_minor: int  # in escrow and reserves now; the others are sums over all time
    earned_minor: int  # whatever came into earnings for work
    fees_minor: int
    paid_out_minor: int  # confirmed by the bank, and not sent back
    returned_minor: int = 0  # to requesters, of what they had not spent


IMBALANCES = """
    WITH entry (transfer_id, account_id, currency, minor) AS (
        SELECT id, target_id, currency, amount_minor FROM payments_transfer
        UNION ALL
        SELECT id, source_id, currency, -amount_minor FROM payments_transfer
    ),
    account AS (
        SELECT id, purpose, owner_id, payments_account.currency, guarded, balance_minor,
            held_minor, closed_at, COALESCE(moved.minor, 0) AS moved_minor
        FROM payments_account
        LEFT JOIN (
            SELECT account_id, SUM(minor) AS minor FROM entry GROUP BY account_id
        ) AS moved ON moved.account_id = id
    ),
    rolled AS (
        SELECT DISTINCT ON (account_id) account_id, through_id, balance_minor
        FROM payments_rollup ORDER BY account_id, through_id DESC
    ),
    -- What accounts should hold, by the rows that say why.
    owed (purpose, owner_id, currency, minor) AS (
        SELECT CASE WHEN status IN ('requested', 'sending')
                THEN 'payouts_in_transit' ELSE 'connected' END,
            owner_id, currency, SUM(amount_minor)
        FROM payments_payout WHERE status NOT IN ('paid', 'failed') GROUP BY 1, 2, 3
        UNION ALL
        SELECT 'refunds_in_transit', owner_id, currency, SUM(refund.amount_minor)
        FROM payments_refund AS refund JOIN payments_funding AS funding ON funding.id = funding_id
        WHERE refund.status = 'requested' GROUP BY owner_id, currency
        UNION ALL
        SELECT 'dispute_reserve', owner_id, currency, SUM(frozen_minor)
        FROM payments_dispute AS dispute JOIN payments_funding AS funding ON funding.id = funding_id
        WHERE dispute.status = 'open' GROUP BY owner_id, currency
    ),
    reason (purpose, problem) AS (VALUES
        ('payouts_in_transit', 'what is in transit differs from the open payouts'),
        ('connected', 'what is connected differs from the payouts on their way'),
        ('refunds_in_transit', 'what is in transit differs from the open refunds'),
        ('dispute_reserve', 'what is frozen differs from the open disputes')
    )

    SELECT 'the balance differs from its transfers', id, currency, moved_minor, balance_minor
    FROM account WHERE guarded AND balance_minor <> moved_minor

    UNION ALL
    SELECT 'the balance is negative or below what is held', id, currency, GREATEST(held_minor, 0),
        balance_minor
    FROM account WHERE guarded AND balance_minor < GREATEST(held_minor, 0)

    UNION ALL
    SELECT 'less than nothing is held', id, currency, 0, held_minor
    FROM account WHERE held_minor < 0

    UNION ALL
    SELECT 'a closed account is not empty', id, currency, 0, balance_minor
    FROM account WHERE closed_at IS NOT NULL AND (balance_minor <> 0 OR held_minor <> 0)

    UNION ALL
    SELECT 'an account without a guard has a balance', id, currency, 0, balance_minor
    FROM account WHERE NOT guarded AND (balance_minor <> 0 OR held_minor <> 0)

    UNION ALL
    SELECT 'a transfer is in another currency than its account', account.id, account.currency,
        0, SUM(entry.minor)
    FROM entry JOIN account ON account.id = entry.account_id
    WHERE entry.currency <> account.currency GROUP BY account.id, account.currency

    UNION ALL
    SELECT 'the accounts of a currency do not sum to zero', NULL, currency, 0,
        SUM(CASE WHEN guarded THEN balance_minor ELSE moved_minor END)
    FROM account GROUP BY currency
    HAVING SUM(CASE WHEN guarded THEN balance_minor ELSE moved_minor END) <> 0

    UNION ALL
    SELECT 'a roll-up differs from its transfers', rolled.account_id, account.currency,
        COALESCE(SUM(entry.minor), 0), rolled.balance_minor
    FROM rolled JOIN account ON account.id = rolled.account_id
    LEFT JOIN entry
        ON entry.account_id = rolled.account_id AND entry.transfer_id <= rolled.through_id
    GROUP BY rolled.account_id, account.currency, rolled.balance_minor
    HAVING COALESCE(SUM(entry.minor), 0) <> rolled.balance_minor

    UNION ALL
    SELECT reason.problem, account.id, currency, COALESCE(owed.minor, 0),
        COALESCE(account.balance_minor, 0)
    FROM owed
    FULL JOIN (
        SELECT account.* FROM account JOIN reason USING (purpose)
    ) AS account USING (purpose, owner_id, currency)
    JOIN reason USING (purpose)
    WHERE COALESCE(account.balance_minor, 0) <> COALESCE(owed.minor, 0)

    ORDER BY 1, 2, 3
"""

TOTALS = """
    WITH moved AS (
        SELECT currency,
            SUM(amount_minor) FILTER (WHERE kind = 'deposit') AS deposited_minor,
            SUM(amount_minor) FILTER (
                WHERE kind IN ('reward', 'bonus', 'effort', 'top_up', 'review_pay')
            ) AS earned_minor,
            SUM(amount_minor) FILTER (WHERE kind = 'fee') AS fees_minor,
            SUM(CASE kind WHEN 'withdraw' THEN amount_minor WHEN 'withdraw_return'
                THEN -amount_minor END) AS paid_out_minor,
            SUM(amount_minor) FILTER (WHERE kind = 'withdrawal_paid') AS returned_minor
        FROM payments_transfer GROUP BY currency
    ),
    escrowed AS (
        SELECT currency, SUM(balance_minor) AS minor
        FROM payments_account WHERE purpose IN ('escrow', 'reserve') GROUP BY currency
    )
    SELECT currency, COALESCE(deposited_minor, 0), COALESCE(escrowed.minor, 0),
        COALESCE(earned_minor, 0), COALESCE(fees_minor, 0), COALESCE(paid_out_minor, 0),
        COALESCE(returned_minor, 0)
    FROM moved LEFT JOIN escrowed USING (currency)
    ORDER BY currency
"""


def imbalances() -> list[Imbalance]:
    """Return each defect of the books, in a fixed order; an empty list means they balance.

    Reads every transfer: a job for the night or the command line, not for a page.
    """
    with connection.cursor() as cursor:
        cursor.execute(IMBALANCES)
        return [
            Imbalance(problem, account_id, currency, int(expected), int(found))
            for problem, account_id, currency, expected, found in cursor.fetchall()
        ]


def totals() -> list[Totals]:
    """Return the sums of each currency that has transfers, by currency; reads them all."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS)
        return [Totals(currency, *map(int, sums)) for currency, *sums in cursor.fetchall()]
