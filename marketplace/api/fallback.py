"""What is said under ``/api/`` when no view was reached or a view broke: problems, too."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from marketplace.api.errors import MEDIA_TYPE, NOT_FOUND, problem_body

BROKEN = "Something broke here, and it is in our log. Repeat the request with its Idempotency-Key."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django could not even read the request, or took it for an attack."""
    if _is_page(request):
        return defaults.bad_request(request, exception)
    return _problem(400, "bad_request", "The request cannot be read. Check its headers and query.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no route leads there, or an id that no row can have. It reads like any other 404."""
    if _is_page(request):
        return defaults.page_not_found(request, exception)
    return _problem(404, "not_found", NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake."""
    if _is_page(request):
        return defaults.server_error(request)
    return _problem(500, "server_error", BROKEN)


def _is_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/")


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    body = problem_body(status, code, detail)
    compact = {"separators": (",", ":")}  # as REST framework writes it, to the byte
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, json_dumps_params=compact)
