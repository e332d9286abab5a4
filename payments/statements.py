"""What moved on somebody's accounts in some time, oldest first, page by page in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from payments.models import Account

PAGE = 2_000


class Entry(NamedTuple):
    """One movement, seen from its owner: what comes in is positive."""

    id: int
    at: datetime
    kind: str
    amount_minor: int
    currency: str
    other_id: int  # the account on the other side
    key: str  # names the cause


# Each side of each account is read along its own index.
ENTRIES = """
WITH mine AS (
    SELECT id FROM payments_account WHERE owner_id = %(owner)s AND purpose = %(purpose)s
)
SELECT t.* FROM mine CROSS JOIN LATERAL (
    (SELECT id, posted_at, kind, -amount_minor, currency, target_id, key FROM payments_transfer
     WHERE source_id = mine.id AND id > %(after)s
       AND posted_at >= %(since)s AND posted_at < %(until)s ORDER BY id LIMIT %(limit)s)
    UNION ALL
    (SELECT id, posted_at, kind, amount_minor, currency, source_id, key FROM payments_transfer
     WHERE target_id = mine.id AND id > %(after)s
       AND posted_at >= %(since)s AND posted_at < %(until)s ORDER BY id LIMIT %(limit)s)
) t ORDER BY 1 LIMIT %(limit)s
"""


def entries(
    *, owner_id: int, purpose: Account.Purpose, since: datetime, until: datetime
) -> Iterator[list[Entry]]:
    """Yield pages of what moved on an owner's accounts of one purpose, in every currency.

    From ``since`` on and before ``until``, in the order of posting. Each page is a short query
    of its own.
    """
    asked: dict[str, Any] = {"owner": owner_id, "purpose": str(purpose)}
    asked |= {"since": since, "until": until, "limit": PAGE}
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ENTRIES, {**asked, "after": after})
            page = [Entry(*row) for row in cursor.fetchall()]
        if not page:
            return
        after = page[-1].id
        yield page
