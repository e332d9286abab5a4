"""Every field of every body meets every evil value.

The pass mark: refused with 4xx, or stored exactly as it was sent. Never 5xx, and never changed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import partial

import pytest

from marketplace.api import parsing
from marketplace.api.urls import urlpatterns
from tasks.models import Task
from tests.marketplace.asking import Asked, a_world
from tests.marketplace.clients import JSON, NDJSON
from tests.marketplace.endpoints import ENDPOINTS
from tests.marketplace.evil import BODIES, HEAVY, LITERALS, NOT_JSON, same, value_of
from tests.marketplace.reading import HERE, Endpoint, latest

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return a_world()


def is_storable(literal):
    try:
        parsing.loads(literal)
    except ValueError:
        return False
    return True


STORABLE = [literal for literal in LITERALS if is_storable(literal)]


def with_literal(body, field, literal, worker):
    """The body as JSON, with the raw text ``literal`` in the place of one field."""
    text = json.dumps({**body, field: HERE}).replace("<worker>", worker)
    return text.replace(json.dumps(HERE), literal).encode()


def expected(endpoint, field, value):
    """What may be stored for a value: itself, or a documented form of it."""
    if field in {"reason", "instruction"} and endpoint.route.endswith("reject"):
        return value.strip()
    # Usernames, names of qualifications and titles of proposals are kept in one spelling.
    if field == "name" or (endpoint.route, field) == ("proposals", "title"):
        return unicodedata.normalize("NFC", value).strip()
    return value


def is_kept(endpoint, field, value, stored):
    return stored == HERE or same(stored, expected(endpoint, field, value))


def verdict(asked, literal, kept):
    """What is wrong with how a value was met, or nothing; ``kept`` compares it with the rows."""
    if complaint := asked.complaint():
        return [(literal[:40], complaint)]
    if asked.status >= 400:
        return []
    value = value_of(literal)
    if value is NOT_JSON:
        return [(literal[:40], "is not JSON, and was taken")]
    return [] if kept(value) else [(literal[:40], "became", str(asked.stored)[:80])]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_every_field_refuses_evil_values_or_keeps_them(world, endpoint):
    wrong = []
    for number, field in enumerate(endpoint.body):
        # What no parser takes is the same for every field.
        for literal in STORABLE if number else LITERALS + HEAVY:
            raw = with_literal(endpoint.body, field, literal, world["worker"])
            asked = Asked(world, endpoint, raw)
            stored = asked.stored.get(field)
            wrong += verdict(asked, literal, partial(is_kept, endpoint, field, stored=stored))

    assert wrong == []


def test_most_evil_values_are_not_stopped_by_the_parser():
    assert len(STORABLE) > 60


def test_a_text_in_an_answer_is_kept_or_refused(world):
    submit = next(each for each in ENDPOINTS if each.route.endswith("submit"))
    wrong, kept = [], set()
    for literal in LITERALS + HEAVY:
        asked = Asked(world, submit, b'{"answer": {"label": "cat", "note": %b}}' % literal.encode())
        note = asked.stored.get("answer", {}).get("note")
        wrong += verdict(asked, literal, partial(is_kept, submit, "note", stored=note))
        kept |= {note}

    assert wrong == []
    assert len(kept) > 30  # most texts


def test_a_good_body_is_taken_as_it_is(world):
    """Or the tests above would prove nothing."""
    for endpoint in ENDPOINTS:
        raw = json.dumps(endpoint.body).replace("<worker>", world["worker"]).encode()

        asked = Asked(world, endpoint, raw)

        assert asked.status in {200, 201, 204}, endpoint
        for field, value in endpoint.body.items():
            wanted = world["worker"] if value == "<worker>" else value
            assert is_kept(endpoint, field, wanted, asked.stored[field]), (endpoint, field)


def test_an_evil_body_is_refused(world):
    wrong = []
    for endpoint in ENDPOINTS:
        for number, raw in enumerate(BODIES):
            asked = Asked(world, endpoint, raw)
            if complaint := asked.complaint():
                wrong.append((endpoint, raw[:30], complaint))
            elif asked.status < 400 and not (endpoint.may_be_empty and number < 3):
                wrong.append((endpoint, raw[:30], asked.status))

    assert wrong == []


def test_every_route_that_reads_a_body_is_among_the_endpoints():
    reading = {
        (method.upper(), re.sub(r"<id:\w+>", "<id>", str(route.pattern)))
        for route in urlpatterns
        for method in ("post", "put", "patch")
        if hasattr(route.callback.view_class, method)
    }
    bodiless = {"publish", "pause", "resume", "close", "quote", "claim"}
    bodiless_routes = {("POST", f"batches/<id>/{name}") for name in bodiless}
    bodiless_routes |= {("POST", "assignments/<id>/accept"), ("POST", "gold/<id>/retire")}
    bodiless_routes.add(("POST", "restrictions/<id>/lift"))
    bodiless_routes |= {("POST", "posts/<id>/remove"), ("POST", "terms/<id>/consent")}
    bodiless_routes.add(("POST", "juries/<id>/join"))

    tested = {(each.method, re.sub(r"<\w+>", "<id>", each.route)) for each in ENDPOINTS}

    assert reading - bodiless_routes - tested == {
        ("POST", "batches/<id>/tasks"),  # see below
        ("POST", "batches/<id>/predictions"),  # see test_api_predictions
        ("POST", "batches/<id>/experts"),  # see test_api_review_queue
        ("POST", "batches/<id>/reject"),  # a list of the bodies above: see test_api_hearings
        ("POST", "me/erase"),  # takes one body only: see test_api_me
    }


# Uploads

OPTIONS = ["external_id", "priority", "overlap", "expires_at", "author", "gold"]
UPLOAD = Endpoint("POST", "batches/<draft>/tasks", {}, dict)


def uploaded_rows(before):
    """The tasks above an id, as the rows that made them."""
    tasks = Task.objects.filter(pk__gt=before).order_by("pk").select_related("input", "gold")
    return [
        {
            "shown": task.input.data,
            "external_id": task.input.external_id,
            "priority": -(task.position >> 52),
            "overlap": task.overlap,
            "expires_at": task.expires_at and task.expires_at.isoformat(),
            "author": task.author_id,
            "gold": getattr(task, "gold", None) and task.gold.answer,
        }
        for task in tasks
    ]


def stored_as_sent(field, value, row):
    if field == "text":
        return same(row["shown"], {"text": value})
    if field == "input":
        return same(row["shown"], value if isinstance(value, dict) else {"input": value})
    if value in (None, ""):  # as if it had not been sent
        return True
    if field == "gold":
        return row["gold"] == {"label": value}
    if field != "expires_at" and isinstance(value, int | str):
        return str(row[field]) == str(value)
    return same(row[field], value)


@pytest.mark.parametrize("field", ["text", "input", *OPTIONS])
def test_every_field_of_a_row_refuses_evil_values_or_keeps_them(world, field):
    """All of them in one upload, a line each."""
    literals = [literal for literal in LITERALS + HEAVY if "\n" not in literal]
    row = {} if field == "input" else {"text": "t"}
    lines = [with_literal(row, field, literal, "") for literal in literals]
    before = latest(Task).pk

    asked = Asked(world, UPLOAD, b"\n".join(lines), NDJSON, read=lambda: uploaded_rows(before))

    assert asked.status == 201
    refused = {each["row"]: each["reason"] for each in asked.response.json()["rejections"]}
    taken = [literal for number, literal in enumerate(literals, 1) if number not in refused]
    assert all(refused.values())
    assert len(taken) == len(asked.stored)
    assert [
        (literal[:40], found)
        for literal, found in zip(taken, asked.stored, strict=True)
        if value_of(literal) is NOT_JSON or not stored_as_sent(field, value_of(literal), found)
    ] == []


@pytest.mark.parametrize("field", ["text", "priority"])
def test_an_evil_value_in_a_json_list_is_refused_or_kept(world, field):
    wrong = []
    for literal in LITERALS:
        raw = b"[%b]" % with_literal({"text": "t"}, field, literal, "")
        before = latest(Task).pk
        asked = Asked(world, UPLOAD, raw, JSON, read=lambda: uploaded_rows(before))  # noqa: B023
        rows = asked.stored or [None]
        if asked.status == 201 and asked.response.json()["rejected"]:
            continue
        wrong += verdict(asked, literal, partial(stored_as_sent, field, row=rows[0]))

    assert wrong == []


@pytest.mark.parametrize("kind", [JSON, NDJSON, "text/csv"])
def test_an_evil_upload_is_never_our_error(world, kind):
    wrong = []
    for raw in BODIES:
        asked = Asked(world, UPLOAD, raw, kind, read=dict)
        if complaint := asked.complaint():
            wrong.append((raw[:30], complaint))

    assert wrong == []
