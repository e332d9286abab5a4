"""``Idempotency-Key``: a repeated POST gets the first answer, not a second effect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.auth import user_of
from marketplace.models import StoredResponse
from payments.errors import KeyReused

Handler = Callable[..., Response]
KEY_LENGTH_MAX = 255


def once_per_key(handler: Handler) -> Handler:
    """Make a view method replay its first success for each ``Idempotency-Key``.

    Effect and stored answer commit together, so there is never one without the other. A failed
    request stores nothing and may be retried with the same key. Two simultaneous requests with
    one key queue on the unique index.
    """

    @wraps(handler)
    def replaying(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not (0 < len(key) <= KEY_LENGTH_MAX and key.isprintable()):
            raise ValidationError({"Idempotency-Key": "Use 1 to 255 printable characters."})
        asked = fingerprint(request)
        with transaction.atomic():
            stored, first_time = StoredResponse.objects.get_or_create(
                user=user_of(request),
                key=key,
                defaults={"fingerprint": asked, "created_at": timezone.now()},
            )
            if stored.fingerprint != asked:
                raise KeyReused("This Idempotency-Key was used for a different request.")
            if first_time:
                response = handler(view, request, *args, **kwargs)
                StoredResponse.objects.filter(pk=stored.pk).update(
                    status=response.status_code, body=response.data
                )
                return response
        return Response(stored.body, status=stored.status, headers={"Idempotent-Replayed": "true"})

    return replaying


def fingerprint(request: Request) -> str:
    """Identify what was asked, so that a key cannot be reused for something else.

    A body that is streamed, as uploads are, is known by its length and type alone.
    """
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    if request.content_type == "application/json" and not getattr(request, "streams", False):
        asked += request.body
    else:
        asked += f"{request.content_type} {request.META.get('CONTENT_LENGTH')}".encode()
    return hashlib.sha256(asked).hexdigest()
