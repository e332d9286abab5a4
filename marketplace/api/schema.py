"""What drf-spectacular cannot see: how callers sign in, and what every answer may be instead."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` never changes; the list is in docs/errors.md.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}
READING = ("400", "401", "403", "404", "503")
WRITING = (*READING, "402", "409", "413", "415", "422")


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "marketplace.api.auth.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "marketplace.api.auth.PageSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every operation that it may answer with a problem, and take an Idempotency-Key."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    answer = {
        "description": "A problem",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "maxLength": 255},
        "description": "Repeat the request with the same key and it has its effect once.",
    }
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status in READING if method == "get" else WRITING:
                operation["responses"].setdefault(status, answer)
            if method in {"post", "put"}:
                operation.setdefault("parameters", []).append(key)
    return result
