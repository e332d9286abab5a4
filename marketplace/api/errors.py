"""Every error's HTTP face, in one table, as RFC 9457 ``application/problem+json``.

The domain knows nothing of HTTP; this module knows nothing of the domain but names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from marketplace.api.parsing import TooLarge
from payments import errors as payments
from tasks import errors as tasks
from tasks.rules.errors import InvalidRules
from workers import errors as workers

STATUS: dict[type[Exception], int] = {
    payments.AccountClosed: 409,
    payments.AccountNotEmpty: 409,
    payments.AlreadyResolved: 409,
    payments.CurrencyMismatch: 400,
    payments.FloorDecided: 409,
    payments.FloorMissing: 409,
    payments.FloorOverlaps: 409,
    payments.FloorTooLow: 422,
    payments.InsufficientFunds: 402,
    payments.InvalidAmount: 400,
    payments.InvalidFloor: 422,
    payments.InvalidReference: 400,
    payments.InvalidWebhook: 400,
    payments.KeyReused: 422,
    payments.NoConnectedAccount: 409,
    payments.NotHeld: 409,
    payments.NotKnownYet: 409,
    payments.NotRefundable: 409,
    payments.PayoutSettled: 409,
    payments.RequesterFrozen: 409,
    payments.ResolutionMissing: 422,
    payments.SecondPersonMissing: 409,
    payments.UnknownCurrency: 400,
    payments.VoteMissing: 409,
    tasks.BudgetTooSmall: 422,
    tasks.DeadlineTooShort: 422,
    tasks.EmptyBatch: 422,
    tasks.IllegalTransition: 409,
    tasks.InvalidAnswer: 422,
    tasks.InvalidAssumptions: 422,
    tasks.InvalidInterface: 422,
    tasks.InvalidOrder: 422,
    tasks.InvalidPolicy: 422,
    tasks.InvalidPredictor: 422,
    tasks.InvalidRating: 422,
    tasks.InvalidRejection: 422,
    tasks.InvalidRow: 422,
    InvalidRules: 422,
    tasks.Involved: 403,
    tasks.NotAJuror: 403,
    tasks.NothingDecided: 409,
    tasks.OwnBatch: 403,
    tasks.Paused: 403,
    tasks.PilotTooSmall: 409,
    tasks.ReasonMissing: 422,
    tasks.RewardBelowFloor: 422,
    tasks.TooManyLiveAssignments: 409,
    tasks.VoteTooLate: 409,
    workers.BallotCast: 409,
    workers.AppealRefused: 409,
    workers.Blocked: 403,
    workers.ConsentMissing: 409,
    workers.ContentNotAgreed: 403,
    workers.HumanDecisionMissing: 422,
    workers.IllegalPost: 409,
    workers.IllegalStanding: 409,
    workers.InvalidCountry: 422,
    workers.InvalidEmail: 422,
    workers.InvalidName: 422,
    workers.InvalidProposal: 422,
    workers.InvalidRequirement: 422,
    workers.InvalidTerms: 422,
    workers.InvalidWarning: 422,
    workers.LinkedToItself: 409,
    workers.NoVote: 403,
    workers.NotErasable: 409,
    workers.NotGranted: 409,
    workers.NotInOffice: 403,
    workers.NotQualified: 403,
    workers.NotYours: 403,
    workers.NoticeTooShort: 422,
    workers.PersonAlreadyLinked: 409,
    workers.QualificationNameTaken: 409,
    workers.RestDue: 403,
    workers.UsernameTaken: 409,
    workers.VoteClosed: 409,
    workers.WorkerNotActive: 403,
    workers.WorkersOnly: 403,
}
DOMAIN = (payments.PaymentsError, tasks.TasksError, workers.WorkersError)
MEDIA_TYPE = "application/problem+json"
NOT_FOUND = "There is no such thing here, or it is not yours to see."


def code_of(error: Exception) -> str:
    """``InsufficientFunds`` → ``"insufficient_funds"``: the stable name clients match on."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; unknown errors return None and become a 500."""
    if isinstance(error, DOMAIN):
        set_rollback()
        return problem(STATUS[type(error)], code_of(error), str(error), **_facts(error))
    if isinstance(error, ObjectDoesNotExist):
        error = Http404()
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    if isinstance(error, DatabaseError | InterfaceError):
        return _database_trouble(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    headers = {name: response[name] for name in HEADERS if name in response}
    answer = _request_problem(error, response.status_code)
    for name, value in headers.items():
        answer[name] = value
    return answer


HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")


class Problem(Response):
    """JSON, whatever format the view would have answered in."""

    @property
    def rendered_content(self) -> str:
        self["Content-Type"] = MEDIA_TYPE
        body: bytes = JSONRenderer().render(self.data)
        return body.decode()


def problem(status: int, code: str, detail: str, **facts: Any) -> Response:
    """An RFC 9457 answer: ``code`` is for programs, ``detail`` says what to do."""
    return Problem(problem_body(status, code, detail, **facts), status=status)


def problem_body(status: int, code: str, detail: str, **facts: Any) -> dict[str, Any]:
    """The JSON of a problem."""
    return {
        "type": f"/docs/errors#{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        **facts,
    }


def _facts(error: Exception) -> dict[str, Any]:
    """What a program needs beyond the code."""
    if isinstance(error, payments.InsufficientFunds | tasks.BudgetTooSmall):
        return {"missing": error.missing.minor, "currency": error.missing.currency}
    if isinstance(error, tasks.Paused | workers.RestDue):
        return {"until": error.until.isoformat()}
    if isinstance(error, tasks.RewardBelowFloor):
        return {
            "minimum": error.minimum.minor,
            "currency": error.minimum.currency,
            "floor": error.floor.minor,
            "seconds": error.seconds,
        }
    return _facts_of_workers(error)


def _facts_of_workers(error: Exception) -> dict[str, Any]:
    if isinstance(error, workers.NotQualified):
        return {"unmet": [requirement.as_json() for requirement in error.unmet]}
    if isinstance(error, workers.ContentNotAgreed):
        return {"warnings": list(error.warnings)}
    if isinstance(error, workers.ConsentMissing):
        return {"version": error.version}
    return {}


def _request_problem(error: Exception, status: int) -> Response:
    if isinstance(error, exceptions.ValidationError):
        fields = list(_fields(error.detail, ""))
        detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in fields[:3])
        return problem(status, "invalid_request", detail, errors=fields)
    if isinstance(error, exceptions.APIException):
        return problem(status, error.default_code, str(error.detail))
    if isinstance(error, Http404):
        return problem(404, "not_found", NOT_FOUND)
    return problem(status, "permission_denied", "You may not do this.")


def _fields(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """DRF's nested messages as a flat list with JSON pointers."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name == "non_field_errors" else f"/{name}"
            yield from _fields(inner, pointer + part)
    else:
        for each in detail if isinstance(detail, list) else [detail]:
            yield {
                "pointer": pointer or "/",
                "detail": str(each),
                "code": getattr(each, "code", "invalid"),
            }


def _database_trouble(error: Exception) -> Response | None:
    """A database that is busy or away: the client may repeat the request, nothing was done."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    set_rollback()
    answer = problem(
        503, "unavailable", "The database is busy or restarting. Nothing was done; try again."
    )
    answer["Retry-After"] = "1"
    return answer
