"""Who is calling.

This module must not import ``rest_framework.views``, which loads it while it is itself loading.
"""

from __future__ import annotations

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from marketplace.api import keys
from workers.models import User, Worker


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``."""

    def authenticate(self, request: Request) -> tuple[User, int] | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = keys.find(token.strip(), now=timezone.now())
        if caller is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="crowdwright"'


class PageSessionAuthentication(SessionAuthentication):
    """The session of somebody who has logged in on our own pages; with CSRF protection."""


def user_of(request: Request) -> User:
    """Return the caller, who is logged in by the default permission class."""
    assert isinstance(request.user, User)
    return request.user


def worker_of(request: Request) -> Worker:
    """Return the caller's worker profile, or answer 403."""
    worker = getattr(request.user, "worker", None)
    if not isinstance(worker, Worker):
        raise PermissionDenied("Only workers may do this. Sign up as a worker first.")
    return worker


def requester_of(request: Request) -> User:
    """Return the caller if they are a requester, or answer 403."""
    user = user_of(request)
    if not user.is_requester:
        raise PermissionDenied("Only requesters may do this. Sign up as a requester first.")
    return user
