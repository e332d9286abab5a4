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
from marketplace.api.parsing import LengthRequired, is_chunked
from marketplace.models import StoredResponse
from payments.errors import KeyReused

Handler = Callable[..., Response]
KEY_LENGTH_MAX = 255


def once_per_key(handler: Handler) -> Handler:
    """Make a view method replay its first success for each ``Idempotency-Key``.

    Effect and stored answer commit together, so there is never one without the other. A failed
    request stores nothing and may be retried with the same key, and so may one that was told to
    ask again later. Two simultaneous requests with one key queue on the unique index.

    A view that reads its body as a stream has a ``body_digest`` of its own.
    """

    @wraps(handler)
    def replaying(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        body_digest = getattr(view, "body_digest", None)
        if body_digest is None and is_chunked(request):
            raise LengthRequired
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        body_digest = body_digest or _whole_body(request)
        if not (0 < len(key) <= KEY_LENGTH_MAX and key.isprintable()):
            raise ValidationError({"Idempotency-Key": "Use 1 to 255 printable characters."})
        with transaction.atomic():
            stored, first_time = StoredResponse.objects.get_or_create(
                user=user_of(request), key=key, defaults={"created_at": timezone.now()}
            )
            if first_time:
                response = handler(view, request, *args, **kwargs)
                _keep(stored, response, _fingerprint(request, body_digest))
                return response
            if stored.fingerprint != _fingerprint(request, body_digest):
                raise KeyReused("This Idempotency-Key was used for a different request.")
        return Response(stored.body, status=stored.status, headers={"Idempotent-Replayed": "true"})

    return replaying


def _keep(stored: StoredResponse, response: Response, fingerprint: str) -> None:
    """Remember the answer, unless it says that nothing was done and when to ask again."""
    row = StoredResponse.objects.filter(pk=stored.pk)
    if "Retry-After" in response.headers:
        row.delete()
    else:
        row.update(fingerprint=fingerprint, status=response.status_code, body=response.data)


def _whole_body(request: Request) -> Callable[[Request], bytes]:
    """Read the body now: the handler's parser would leave nothing of it."""
    digest = hashlib.sha256(request.body).digest()
    return lambda _: digest


def _fingerprint(request: Request, body_digest: Callable[[Request], bytes]) -> str:
    """Identify what was asked, so that a key cannot be reused for something else."""
    asked = f"{request.method} {request.get_full_path()} {request.content_type}\n".encode()
    return hashlib.sha256(asked + body_digest(request)).hexdigest()
