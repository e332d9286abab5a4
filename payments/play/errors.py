"""How play money says no: to a client in Stripe's words, to the site in its own."""

from __future__ import annotations

from payments.play.store import Json


class NotPossible(Exception):
    """The object is not in a state in which this can happen to it."""


class Refusal(Exception):
    """A request that is not carried out, with what Stripe would answer.

    ``status`` is HTTP's; ``category`` is the ``type`` of Stripe's error, ``code`` and ``param``
    are as there, and absent if None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        category: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        error = {"type": category, "message": message, "code": code, "param": param}
        self.body: Json = {"error": {name: it for name, it in error.items() if it is not None}}


def missing(kind: str, name: object, *, param: str = "id", status: int = 404) -> Refusal:
    """Refuse a request for an object that is not there."""
    return Refusal(f"No such {kind}: '{name}'", status=status, code="resource_missing", param=param)


def required(param: str) -> Refusal:
    """Refuse a request that lacks a parameter."""
    return Refusal(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(param: str, message: str, *, code: str = "parameter_invalid") -> Refusal:
    """Refuse a request for the value of a parameter."""
    return Refusal(message, code=code, param=param)
