"""What goes wrong in the domain has one face at the edge, and one line in docs/errors.md."""

from __future__ import annotations

import importlib
import pkgutil
import re
from http import HTTPStatus
from pathlib import Path

import pytest
from rest_framework import exceptions

import payments
import tasks
import workers
from marketplace.api import errors, parsing
from payments.errors import FloorTooLow, InsufficientFunds, NotRefundable, PaymentsError
from payments.money import Money
from tasks.errors import (
    BudgetTooSmall,
    DeadlineTooShort,
    Paused,
    RewardBelowFloor,
    TasksError,
)
from tests.factories import NOON
from workers.errors import ConsentMissing, NotQualified, RestDue, WorkersError

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
LINE = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \| (.+?) \| (.+?) \|$", re.MULTILINE)
DOCUMENTED = {code: int(status) for code, status, _, _ in LINE.findall(DOCUMENT.read_text())}
# What REST framework raises for a request that nobody's domain has seen.
REQUEST_ERRORS = [
    exceptions.AuthenticationFailed,
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.NotAuthenticated,
    exceptions.NotFound,
    exceptions.ParseError,
    exceptions.PermissionDenied,
    exceptions.UnsupportedMediaType,
    parsing.LengthRequired,
    parsing.TooLarge,
]


def domain_errors():
    """Every error class of the domain, in whatever module it is defined."""
    for package in payments, tasks, workers:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".crowdkit" not in module.name:  # which takes seconds to import
                importlib.import_module(module.name)
    found, bases = [], [PaymentsError, TasksError, WorkersError]
    while bases:
        children = bases.pop().__subclasses__()
        found += children
        bases += children
    return found


def code_of(error):
    return re.sub("(?<!^)([A-Z])", r"_\1", error.__name__).lower()


TAKES = {  # what the domain makes an error with
    BudgetTooSmall: {"missing": Money(5, "USD")},
    ConsentMissing: {"version": 2},
    DeadlineTooShort: {"seconds": 900},
    FloorTooLow: {"minimum": Money(800, "USD")},
    InsufficientFunds: {"missing": Money(5, "USD")},
    NotQualified: {"unmet": []},
    NotRefundable: {"most": Money(5, "USD")},
    Paused: {"until": NOON},
    RestDue: {"until": NOON},
    RewardBelowFloor: {
        "minimum": Money(100, "USD"),
        "floor": Money(1200, "USD"),
        "seconds": 300,
    },
}


def an(error):
    """An instance, made as the domain makes it."""
    return error(**TAKES.get(error, {}))


def test_every_domain_error_has_exactly_one_status():
    assert set(errors.STATUS) == set(domain_errors())


def test_no_two_domain_errors_share_a_code():
    codes = [code_of(error) for error in domain_errors()]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", errors.STATUS, ids=code_of)
def test_a_domain_error_becomes_a_problem_with_its_own_words(error):
    raised = an(error)

    answer = errors.handle(raised, {})

    assert answer.status_code == errors.STATUS[error]
    assert answer.data["code"] == code_of(error)
    assert answer.data["detail"] == str(raised).strip()
    assert answer.data["detail"].endswith(".")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("error", errors.STATUS, ids=code_of)
def test_every_domain_error_is_documented(error):
    assert DOCUMENTED[code_of(error)] == errors.STATUS[error]


@pytest.mark.parametrize("error", REQUEST_ERRORS, ids=code_of)
def test_every_error_of_a_request_is_documented(error):
    assert DOCUMENTED[error.default_code] == error.status_code


def test_nothing_is_documented_that_cannot_happen():
    raised = {code_of(error) for error in errors.STATUS}
    raised |= {error.default_code for error in REQUEST_ERRORS}
    raised |= {"invalid_request", "unavailable", "bad_request", "server_error"}

    assert set(DOCUMENTED) == raised


def test_each_code_is_documented_once_in_the_order_of_the_alphabet():
    codes = [code for code, *_ in LINE.findall(DOCUMENT.read_text())]

    assert codes == sorted(set(codes))


def test_each_line_says_what_it_means_and_what_to_do():
    for code, status, meaning, remedy in LINE.findall(DOCUMENT.read_text()):
        assert HTTPStatus(int(status)) >= 400
        for text in meaning, remedy:
            assert re.match(r"[A-Z`].*\.$", text), (code, text)
