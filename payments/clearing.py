"""Accounts that must come back to zero: money that has sat in one for too long is an incident.

Money leaves a clearing account in the order it came. So what is there now came last, and it has
sat there since the oldest transfer that is needed to make up the balance.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from payments.incidents import raise_incident
from payments.money import Money

KIND = "clearing_overdue"
LIMITS = {
    "payouts_in_transit": timedelta(days=2),
    "refunds_in_transit": timedelta(days=10),
    "disputed_funds": timedelta(days=120),
    "dispute_reserve": timedelta(days=120),
}


class Overdue(NamedTuple):
    """Money that should have moved on."""

    account_id: int
    purpose: str
    amount: Money
    since: datetime  # when the oldest of it came


# `disputed_funds` is counted the other way round: money comes in as the source of a transfer.
# A guarded account tells by its row whether anything is in it, so that only few are looked into.
OVERDUE = """
    WITH clearing AS (
        SELECT account.id, account.purpose, account.currency, account.guarded,
            account.balance_minor, %(now)s - given.longest AS latest
        FROM payments_account AS account
        JOIN unnest(%(purposes)s::text[], %(limits)s::interval[]) AS given (purpose, longest)
            USING (purpose)
        WHERE NOT account.guarded OR account.balance_minor > 0
    ),
    came (account_id, id, minor, posted_at) AS (
        SELECT clearing.id, transfer.id, amount_minor, posted_at
        FROM clearing JOIN payments_transfer AS transfer ON target_id = clearing.id
        WHERE guarded
        UNION ALL
        SELECT clearing.id, transfer.id, amount_minor, posted_at
        FROM clearing JOIN payments_transfer AS transfer ON source_id = clearing.id
        WHERE NOT guarded
    ),
    went (account_id, minor) AS (
        SELECT clearing.id, SUM(amount_minor)
        FROM clearing JOIN payments_transfer AS transfer ON target_id = clearing.id
        WHERE NOT guarded GROUP BY clearing.id
    ),
    summed AS (
        SELECT account_id, minor, posted_at,
            SUM(minor) OVER (PARTITION BY account_id ORDER BY id DESC) AS with_newer,
            SUM(minor) OVER (PARTITION BY account_id) AS total
        FROM came
    ),
    there AS (
        SELECT clearing.id, purpose, currency, posted_at, latest,
            LEAST(
                summed.minor,
                CASE WHEN guarded THEN clearing.balance_minor
                    ELSE total - COALESCE(went.minor, 0) END - (with_newer - summed.minor)
            ) AS minor
        FROM clearing
        JOIN summed ON summed.account_id = clearing.id
        LEFT JOIN went ON went.account_id = clearing.id
    )
    SELECT id, purpose, currency, SUM(minor), MIN(posted_at)
    FROM there WHERE minor > 0 AND posted_at < latest
    GROUP BY id, purpose, currency ORDER BY id
"""


def overdue(now: datetime) -> list[Overdue]:
    """Return the accounts in which money has sat longer than its limit, by their numbers."""
    asked: dict[str, Any] = {"now": now, "purposes": list(LIMITS), "limits": list(LIMITS.values())}
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, asked)
        return [
            Overdue(account_id, purpose, Money(int(minor), currency), since)
            for account_id, purpose, currency, minor, since in cursor.fetchall()
        ]


def look(now: datetime) -> int:
    """Tell a human of money that sits too long; return of how many accounts they did not know.

    What comes to sit there later, when the first was cleared, is told anew.
    """
    return sum(raise_incident(KIND, _subject(each), _details(each), now) for each in overdue(now))


def _subject(each: Overdue) -> str:
    return f"{each.purpose} {each.account_id} since {each.since.isoformat()}"


def _details(each: Overdue) -> dict[str, object]:
    return {
        "account": each.account_id,
        "purpose": each.purpose,
        "amount_minor": each.amount.minor,
        "currency": each.amount.currency,
        "since": each.since.isoformat(),
    }
