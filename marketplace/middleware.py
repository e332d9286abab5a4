"""What every request passes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from time import perf_counter

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

log = structlog.get_logger("crowdwright.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET = {"/healthz", "/readyz", "/metrics"}  # asked every few seconds, and never news


def log_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Write one line per request, and give it an id that all its other lines carry.

    A proxy's ``X-Request-ID`` is taken over, so that its log and ours can be read together.
    """

    def logged(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        started = perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            if request.path not in QUIET:
                log.info(
                    "request",
                    method=request.method,
                    path=request.path,
                    status=response.status_code,
                    milliseconds=round(1000 * (perf_counter() - started), 1),
                    user=_user_id(request),
                )
        response["X-Request-ID"] = request_id
        return response

    return logged


def keep_nothing(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Tell browsers and proxies to keep no answer of the API: each is for one caller."""

    def kept_nowhere(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith("/api/v1/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return kept_nowhere


def _user_id(request: HttpRequest) -> int | None:
    """The caller's id if somebody has looked them up; logging asks the database for nothing."""
    # Django keeps the session's user under the first name once it is loaded, the API the key's user
    # under the second. ``type`` does not load a lazy one, as ``isinstance`` would.
    user = request.__dict__.get("_cached_user", request.__dict__.get("user"))
    return None if type(user) is SimpleLazyObject else getattr(user, "pk", None)
