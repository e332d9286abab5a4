"""API keys: making, finding and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from marketplace.models import ApiKey
from workers.models import User

PREFIX = "cw_"
USED_TO_THE = timedelta(hours=1)  # how exactly ``last_used_at`` is kept: a write an hour, not a call


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


def find(token: str, *, now: datetime) -> ApiKey | None:
    """Return the valid key behind a token, with its user and their worker, in one query."""
    valid = ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        digest=digest_of(token),
        revoked_at=None,
        user__is_active=True,
    )
    key = valid.select_related("user__worker").first()
    if key and (key.last_used_at is None or now - key.last_used_at >= USED_TO_THE):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def digest_of(token: str) -> bytes:
    """SHA-256 is enough for 256 random bits; a slow hash would only cost every request."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
