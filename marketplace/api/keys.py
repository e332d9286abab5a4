"""API keys: making, finding and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Model

from marketplace.models import ApiKey
from workers.models import User, Worker

PREFIX = "cw_"
USED_TO_THE = timedelta(
    hours=1
)  # how exactly ``last_used_at`` is kept: a write an hour, not a call


def make(
    *, user: User, name: str, now: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is shown this once and kept nowhere."""
    token = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=token[:10],
        digest=digest_of(token),
        created_at=now,
        expires_at=expires_at,
    )
    return key, token


def revoke(*, key: ApiKey, now: datetime) -> None:
    """Refuse the key from the next request on; revoking again changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)


def _in_order(model: type[Model], names: set[str]) -> list[str]:
    """Return ``names`` in the model's own order: ``from_db`` gives out values in no other."""
    fields = model._meta.concrete_fields  # noqa: SLF001  (Django documents it)
    return [field.attname for field in fields if field.attname in names]


USER = _in_order(
    User,
    {
        "id",
        "username",
        "is_active",
        "is_staff",
        "is_superuser",
        "is_requester",
        "person_id",
        "terms_version",
    },
)
WORKER = _in_order(Worker, {"id", "public_id", "status", "qualifications_version"})
WORKER_FROM = 2 + len(USER)  # the first of the worker's columns

# Every request begins with this. Written out, because building and compiling it as a queryset
# takes as much CPU as all the rest of a claim's Python.
FIND = f"""
SELECT k.id, k.last_used_at, {", ".join(f"u.{name}" for name in USER)},
       {", ".join(f"w.{name}" for name in WORKER)}
FROM marketplace_apikey k
JOIN workers_user u ON u.id = k.user_id
LEFT JOIN workers_worker w ON w.user_id = u.id
WHERE k.digest = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s)
  AND u.is_active
"""  # noqa: S608  (put together from constants of this module)


class Caller(NamedTuple):
    """Who calls, and with which key."""

    user: User  # with its worker, or None, in the cache
    key_id: int


def find(token: str, *, now: datetime) -> Caller | None:
    """Return the user behind a valid token, in one query; fields it leaves out load when asked."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [digest_of(token), now])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, used_at = row[:2]
    if used_at is None or now - used_at >= USED_TO_THE:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=now)
    user = User.from_db("default", USER, row[2:WORKER_FROM])
    theirs = row[WORKER_FROM:]
    worker = None if theirs[0] is None else Worker.from_db("default", WORKER, theirs)
    user.remember_worker(worker)
    return Caller(user, key_id)


def digest_of(token: str) -> bytes:
    """SHA-256 is enough for 256 random bits; a slow hash would only cost every request."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
