"""Every refusal of the API is a problem of RFC 9457, whatever went wrong."""

from __future__ import annotations

import json

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client

from marketplace.api import errors
from tests.factories import CATS_OR_DOGS, a_requester, a_user, a_worker, published_batch
from tests.marketplace.clients import Api, api, problem_of

pytestmark = pytest.mark.django_db
A_PROJECT = {"title": "t", "interface": CATS_OR_DOGS}


def test_a_method_a_route_does_not_know_is_refused_with_those_it_does():
    refused = api(a_requester()).send("DELETE", "projects")

    assert problem_of(refused) == (405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "json", ";", "application/xml", "application/json\xff", "a" * 10_000,
     "application/json/json", "multipart/form-data", "multipart/form-data; boundary=\xff"],
)  # fmt: skip
def test_a_body_of_another_kind_than_json_is_refused(kind):
    refused = api(a_requester()).post("projects", json.dumps(A_PROJECT).encode(), kind)

    assert problem_of(refused) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/json;x=y",
        "application/json;",
    ],
)
def test_json_may_be_called_by_its_longer_names(kind):
    assert api(a_requester()).post("projects", A_PROJECT, kind).status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "x"])
def test_an_answer_in_another_format_than_json_is_refused(accept):
    refused = api(a_requester()).get("projects", accept=accept)

    assert problem_of(refused) == (406, "not_acceptable")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/projects", "/api/v1/projects/",
             "/api/v1/batches/x", "/api/v1/batches/-1", "/api/v1/batches/9223372036854775808",
             "/api/v1/batches/1'", "/api/v1/batches/%00", "/api/v1/batches/1.0",
             "/api/v1/batches/%D9%A3", "/api/v1/batches/1_0", "/api/v1/batches/../1"]
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_a_problem_like_a_missing_row(path):
    client = api(a_requester())

    refused = client.get(path)

    assert problem_of(refused) == (404, "not_found")
    assert refused.content == client.get("batches/1").content


def test_pages_have_pages_for_what_is_missing():
    missing = Client().get("/nothing")

    assert (missing.status_code, missing.headers["Content-Type"]) == (
        404,
        "text/html; charset=utf-8",
    )


def test_a_request_that_django_will_not_read_is_a_problem():
    many = "&".join(f"p{n}=1" for n in range(1001))
    client = api(a_requester())

    assert problem_of(client.get(f"projects?{many}")) == (400, "bad_request")
    assert problem_of(Client().get("/api/v1/projects", headers={"Host": "evil.example"})) == (
        400,
        "bad_request",
    )
    page = Client().get("/", headers={"Host": "evil.example"})
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_our_own_mistake_is_a_problem_that_says_nothing_of_it():
    user = a_requester()
    token, browser = api(user).token, Client(raise_request_exception=False)
    browser.force_login(user)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE marketplace_apikey RENAME TO gone")

    with transaction.atomic():
        called = Api(token, errors_as_500=True).get("projects")
        transaction.set_rollback(True)
    with transaction.atomic():
        page = browser.get("/account/tokens")
        transaction.set_rollback(True)

    assert problem_of(called) == (500, "server_error")
    assert "gone" not in called.content.decode()
    assert (page.status_code, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("canceling statement"), "unavailable"),
        (InterfaceError("closed"), "unavailable"),
    ],
)
def test_a_database_that_is_away_is_503_and_may_be_asked_again(error, code):
    answer = errors.handle(error, {})

    assert (answer.status_code, answer.data["code"]) == (503, code)
    assert answer["Retry-After"] == "1"
    assert "canceling" not in answer.data["detail"]


def test_what_django_itself_forbids_is_a_problem_too():
    answer = errors.handle(PermissionDenied(), {})

    assert (answer.status_code, answer.data["code"]) == (403, "permission_denied")


def test_an_error_in_a_list_is_pointed_at():
    batch = published_batch(tasks=1)

    refused = api(batch.project.requester).post(
        f"batches/{batch.pk}/accept", {"assignments": [1, "x", 2, None]}
    )

    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/assignments/1",
        "/assignments/3",
    ]


def test_a_bug_in_the_database_code_is_not_called_away():
    assert errors.handle(psycopg.ProgrammingError("no"), {}) is None
    assert errors.handle(errors.DatabaseError("no"), {}) is None


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_too_long_is_503_and_nothing_is_done():
    batch = published_batch(tasks=1)
    client = api(batch.project.requester)
    settings = connection.get_connection_params()
    other = psycopg.connect(
        **{name: settings[name] for name in ("dbname", "user", "host", "port") if name in settings}
    )
    with other, connection.cursor() as cursor:
        other.execute("SELECT 1 FROM tasks_batch WHERE id = %s FOR UPDATE", [batch.pk])
        cursor.execute("SET lock_timeout = '50ms'")
        refused = client.post(f"batches/{batch.pk}/pause", idempotency_key="k")
        cursor.execute("RESET lock_timeout")

    assert problem_of(refused) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert client.get(f"batches/{batch.pk}").json()["status"] == "open"
    assert client.post(f"batches/{batch.pk}/pause", idempotency_key="k").status_code == 200


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nonsense", b"{} {}", b"{}x", b"'a'", b"{'a': 1}", b'{"a": 1,}', b"[1, 2", b"\xff",
        b"\xef\xbb\xbf{}", '{"title": "t"}'.encode("utf-16"), b"NaN", b'{"a": NaN}',
        b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": 1e-999}', b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}', b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": "\\ud800"}',
        b'{"a": ["\\udc00"]}', b'{"a": "\0"}', b'{"a": "\n"}', b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 01}', b'{"a": +1}', b'{"a": .5}', b'{"a": 0x10}', b'{"a": 1_0}',
        b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc0\x80"}', b" ", b"\0",
        b"[" * 101 + b"]" * 101, b"[" * 5_000 + b"]" * 5_000, b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 101 + b"1" + b"}" * 101, b"[" * 100_000, b"[[" + b'"]' * 100_000,
    ],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_a_body_that_is_not_json_as_it_could_be_stored_is_refused(body):
    refused = api(a_requester()).post("projects", body)

    assert problem_of(refused) == (400, "parse_error")


def test_a_body_may_be_nested_a_hundred_levels_deep_and_hold_brackets_in_strings():
    client = api(a_requester())
    deep = {"title": "t", "interface": json.loads("[" * 98 + "]" * 98)}
    flat = {"title": "t", "interface": CATS_OR_DOGS, "instructions": '[{"\\' * 200}

    assert problem_of(client.post("projects", deep)) == (422, "invalid_interface")
    assert client.post("projects", flat).json()["instructions"] == flat["instructions"]


def test_a_body_may_have_a_mebibyte_and_no_more():
    client = api(a_requester())
    most = b'{"title": "t"}' + b" " * ((1 << 20) - 14)

    assert problem_of(client.post("projects", most)) == (400, "invalid_request")
    assert problem_of(client.post("projects", most + b" ")) == (413, "too_large")


def test_a_body_of_many_keys_is_read_in_time():
    body = json.dumps({f"k{n}": n for n in range(60_000)}).encode()

    assert problem_of(api(a_requester()).post("projects", body)) == (400, "invalid_request")


def test_a_body_that_is_said_to_have_no_length_is_no_body():
    requester = a_requester()

    refused = Api(api(requester).token).send("POST", "projects", transfer_encoding="chunked")

    assert problem_of(refused) == (411, "length_required")


def test_options_are_told_to_who_may_call():
    asked = api(a_worker()).send("OPTIONS", "projects")

    assert asked.status_code == 200
    assert problem_of(Api(None).send("OPTIONS", "projects")) == (401, "not_authenticated")
    assert problem_of(api(a_user()).send("TRACE", "projects")) == (405, "method_not_allowed")
