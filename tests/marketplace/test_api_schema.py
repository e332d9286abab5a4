"""The OpenAPI document: complete, valid, and true of what is answered."""

from __future__ import annotations

import re
from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from marketplace.api.urls import urlpatterns
from tests.marketplace.clients import ROOT

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def schema():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return yaml.safe_load(out.getvalue())


def routes():
    """Each route of the URL conf as the document writes it, with its methods."""
    for pattern in urlpatterns:
        view = pattern.callback.view_class
        path = ROOT + re.sub(r"<id:(\w+)>", r"{\1}", str(pattern.pattern))
        yield (
            path,
            {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)},
        )


def test_the_document_is_valid_and_nothing_in_it_is_a_guess(schema):
    assert schema["openapi"].startswith("3.")
    assert schema["info"]["title"] == "Crowdwright"


def test_every_route_and_method_is_in_the_document_and_no_other(schema):
    documented = {path: set(operations) for path, operations in schema["paths"].items()}
    documented.pop(f"{ROOT}schema", None)

    assert documented == dict(routes())


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(schema):
    operations = [each for path in schema["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]

    assert len(set(names)) == len(names)


def test_every_operation_asks_for_a_token_and_may_answer_with_a_problem(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert {"bearer": []} in operation["security"], path
            for status in ("400", "401", "403", "404", "503"):
                content = operation["responses"][status]["content"]
                assert set(content) == {"application/problem+json"}
            writes = method != "get"
            assert ("422" in operation["responses"]) == writes
            assert ("409" in operation["responses"]) == writes


def test_every_writing_operation_takes_an_idempotency_key(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            named = {each["name"] for each in operation.get("parameters", [])}
            assert ("Idempotency-Key" in named) == (method in {"post", "put"}), (path, method)


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"{ROOT}schema", "/api/docs", "/api/redoc"])
def test_the_document_is_open_to_everybody(path):
    assert Client().get(path).status_code == 200
