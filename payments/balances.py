"""What is in an account, guarded or not, without reading all of its history."""

from __future__ import annotations

from django.db import connection

from payments.models import Account
from payments.money import Money

# One statement, so that no transfer falls between the roll-up and the tail after it.
UNGUARDED = """
    SELECT COALESCE(rolled.balance_minor, 0)
        + COALESCE((
            SELECT SUM(amount_minor) FROM payments_transfer
            WHERE target_id = asked.id AND id > COALESCE(rolled.through_id, 0)
        ), 0)
        - COALESCE((
            SELECT SUM(amount_minor) FROM payments_transfer
            WHERE source_id = asked.id AND id > COALESCE(rolled.through_id, 0)
        ), 0)
    FROM (SELECT %s::bigint AS id) AS asked
    LEFT JOIN LATERAL (
        SELECT through_id, balance_minor FROM payments_rollup
        WHERE account_id = asked.id ORDER BY through_id DESC LIMIT 1
    ) AS rolled ON TRUE
"""


def balance_of(account: Account) -> Money:
    """Return the balance as it is now, held money included; it is negative where money came from.

    A guarded account's is stored. Another's is that of its last roll-up and what moved since.
    """
    if account.guarded:
        stored = Account.objects.only("balance_minor", "currency").get(pk=account.pk)
        return stored.balance
    with connection.cursor() as cursor:
        cursor.execute(UNGUARDED, [account.pk])
        return Money(int(cursor.fetchone()[0]), account.currency)
