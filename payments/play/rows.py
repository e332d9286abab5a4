"""Play money remembered in the database: shared by all processes, and still there after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import QuerySet

from payments.models import PlayObject, PlayReply
from payments.play.store import Json, Query, Reply, Row

# Any number no other advisory lock of this database has.
LOCK = 0x504C4159  # "PLAY"

NEXT_NUMBER = "SELECT nextval(pg_get_serial_sequence('payments_playobject', 'number'))"


class RowStore:
    """A ``Store`` over ``PlayObject`` and ``PlayReply``.

    Whoever asks play money for something while holding rows may wait for somebody who waits for
    those rows: ask outside of transactions, as one must ask Stripe.
    """

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with transaction.atomic():
            # One at a time: balances are read, checked and written without further locks.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            yield

    def next_number(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(NEXT_NUMBER)
            (number,) = cursor.fetchone()
        return int(number)

    def get(self, name: str) -> Row | None:
        found = PlayObject.objects.filter(name=name).first()
        return _row(found) if found else None

    def add(self, row: Row) -> None:
        PlayObject.objects.create(name=row.name, account=row.account, kind=row.kind, data=row.data)

    def replace(self, name: str, data: Json) -> None:
        if not PlayObject.objects.filter(name=name).update(data=data):
            raise KeyError(name)

    def remove(self, name: str) -> None:
        PlayObject.objects.filter(name=name).delete()

    def find(self, query: Query, *, limit: int) -> list[Row]:
        order = "number" if query.oldest_first else "-number"
        return [_row(found) for found in _matching(query).order_by(order)[:limit]]

    def reply(self, account: str, key: str) -> Reply | None:
        kept = PlayReply.objects.filter(account=account, key=key).first()
        return Reply(kept.fingerprint, kept.status, kept.body) if kept else None

    def keep(self, account: str, key: str, reply: Reply) -> None:
        PlayReply.objects.create(
            account=account,
            key=key,
            fingerprint=reply.fingerprint,
            status=reply.status,
            body=reply.body,
        )


def _row(found: PlayObject) -> Row:
    return Row(found.name, found.account, found.kind, found.data)


def _matching(query: Query) -> QuerySet[PlayObject]:
    rows = PlayObject.objects.filter(account=query.account, kind=query.kind)
    if query.matching:
        rows = rows.filter(data__contains=dict(query.matching))
    for bound, instant in query.created.items():
        rows = rows.filter(**{f"data__created__{bound}": instant})
    if query.older_than:
        rows = rows.filter(number__lt=_number(query.older_than))
    if query.newer_than:
        rows = rows.filter(number__gt=_number(query.newer_than))
    return rows


def _number(name: str) -> int:
    return PlayObject.objects.values_list("number", flat=True).get(name=name)
