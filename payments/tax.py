"""What tax reports need of the books: what each worker was credited, by currency and quarter.

Data only. Names, addresses and tax numbers are not kept here but at the payment provider; which
form applies to whom is for the operator to decide.

Source: Council Directive (EU) 2021/514 (DAC7): consideration paid or credited per quarter, number
of activities, fees withheld. Internal Revenue Code § 6041A and § 6050W (1099-NEC, 1099-K).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from django.db import connection

from payments.models import Account, Transfer

Regime = Literal["dac7", "1099"]
# What is credited to earnings for work: all of it is the worker's from then on.
INCOME = [
    Transfer.Kind.REWARD,
    Transfer.Kind.EFFORT,
    Transfer.Kind.TOP_UP,
    Transfer.Kind.BONUS,
    Transfer.Kind.REVIEW_PAY,
]
NOTES: dict[Regime, tuple[str, ...]] = {
    "dac7": (
        "Consideration is what was credited to earnings in the quarter, in minor units.",
        "Workers pay no fees, so none are withheld.",
        "Reports are due by 31 January. Personal services have no exemption for small sellers.",
        "Name, address, birth date, TIN and VAT id are to be taken from the payment provider.",
    ),
    "1099": (
        "Gross is what was credited to earnings in the year, in minor units.",
        "1099-NEC: from 2,000 US dollars a year for 2026; indexed from 2027 on.",
        "1099-K: above 20,000 US dollars and 200 transactions a year.",
        "Which form applies, and to whom, is for the operator to decide.",
    ),
}
CREDITED = """
SELECT owned.owner_id, t.currency, extract(quarter FROM t.posted_at AT TIME ZONE 'UTC')::int,
       sum(t.amount_minor), count(*)
FROM payments_account owned JOIN payments_transfer t ON t.target_id = owned.id
WHERE owned.purpose = %(purpose)s AND t.kind = ANY(%(kinds)s)
  AND t.posted_at >= %(start)s AND t.posted_at < %(end)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


class Income(NamedTuple):
    """What one owner was credited in one quarter and currency."""

    owner_id: int
    currency: str
    quarter: int  # 1 to 4
    gross_minor: int
    credits: int  # how many


def income(*, year: int, quarter: int | None = None) -> Iterator[Income]:
    """Yield what everybody was credited in a year, or one quarter of it, in UTC.

    By owner, currency and quarter. Reads a year of credits: for the command line.
    """
    start, end = _span(year, quarter)
    kinds = [str(kind) for kind in INCOME]
    asked: dict[str, Any] = {
        "purpose": str(Account.Purpose.EARNINGS),
        "kinds": kinds,
        "start": start,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(CREDITED, asked)
        for owner_id, currency, part, gross, credited in cursor.fetchall():
            yield Income(owner_id, currency, part, int(gross), credited)


def _span(year: int, quarter: int | None) -> tuple[datetime, datetime]:
    if quarter is None:
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    start = datetime(year, 3 * quarter - 2, 1, tzinfo=UTC)
    last = datetime(year + 1, 1, 1, tzinfo=UTC)
    return start, last if quarter == 4 else start.replace(month=3 * quarter + 1)  # noqa: PLR2004
