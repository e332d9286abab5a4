"""Who may do what to whose: every route, every caller, their own rows, others' and none.

What is expected is in ``matrix.csv``. ``a`` is what belongs to requester A and worker 1, ``b`` what
belongs to requester B and worker 2. A method that is not in the table is one nobody may use.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.urls import get_resolver

from marketplace.api import keys
from marketplace.api.urls import urlpatterns
from marketplace.models import ApiKey
from tasks import settle
from tests.factories import (
    CATS_OR_DOGS,
    NOON,
    WHY,
    a_requester,
    a_user,
    a_worker,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import Api, api, problem_of, text_of
from tests.marketplace.estates import CANARY, estate
from tests.tasks.asking import requiring
from tests.tasks.marketplace import reread
from workers.models import User

pytestmark = pytest.mark.django_db
with (Path(__file__).parent / "matrix.csv").open() as file:
    TABLE = list(csv.DictReader(file))
ROLES = [name for name in TABLE[0] if name not in {"method", "route", "whose"}]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
REFUSAL = {"code": "wrong_or_empty", "reason": WHY, "instruction": "Name the animal."}
BODIES = {
    "projects": {"title": "t", "interface": CATS_OR_DOGS},
    "projects/<project>/versions": {"interface": CATS_OR_DOGS},
    "projects/<project>/batches": {"reward": 5},
    "batches/<draft>/forecast": {"basis": "assumptions"},
    "batches/<draft>/tasks": [{"image": "a.png"}],
    "batches/<open>/qualifications": {"qualifications": []},
    "batches/<open>/budget": {"budget": 10_000},
    "batches/<open>/reward": {"reward": 6},
    "projects/<project>/predictors": {"name": "n", "kind": "pushed"},
    "batches/<open>/predictions": [{"external_id": "0", "value": "dog"}],
    "batches/<open>/model": {"votes": True},
    "batches/<open>/reviews": {"below": 0.9},
    "reviews/<review>/fix": {"value": "dog"},
    "batches/<open>/gold/promote": {"count": 1},
    "batches/<open>/rules": {"rules": "default"},
    "restrictions/<restriction>/appeal": {"message": "Look again."},
    "flags/<flag>/dismiss": {"reason": "Nothing."},
    "flags/<flag>/uphold": {"reason": "Spam."},
    "qualifications": {"name": "new"},
    "payouts": {"amount": 1},
    "fundings": {"amount": 1},
    "wallet/withdrawals": {"amount": 1},
    "payout-account/link": {"country": "US"},
    "content": {"warnings": ["gore"]},
    "batches/<rated>/rating": {"fairness": 1, "pay": 2, "speed": 4, "communication": 5},
    "ratings/<rating>/reply": {"text": "Thank you."},
    "posts": {"text": "Hello."},
    "posts/<post>/replies": {"text": "Hello."},
    "proposals": {"kind": "rule", "title": "t", "text": "t"},
    "proposals/<proposal>/vote": {"yes": True},
    "me/erase": {"username": "somebody.else"},
    "assignments/<submitted>/reject": REFUSAL,
    "decisions/<decision>/appeal": {"message": "Look again."},
    "juries/<seat>/vote": {"vote": "overturn", "reason": "It is a cat, by its ears."},
    "assignments/<submitted>/bonus": {"amount": 1, "reason": "Yes."},
    "assignments/<active>/submit": {"answer": "cat"},
    "assignments/<active>/beat": {"visible": True},
    "returns/<returned>/refuse": {"reason": "No."},
}
NAMING_A_WORKER = {
    "blocks", "blocks/lift", "qualifications/<type>/grant", "qualifications/<type>/revoke"
}  # fmt: skip


@pytest.fixture
def world():
    """Two requesters and two workers with all that is theirs, and a client of every caller."""
    first, second = a_requester(usd(1000)), a_requester(usd(1000))
    worker_1, worker_2 = a_worker(), a_worker()
    owned = {"a": estate(first, worker_1), "b": estate(second, worker_2)}
    paid = reread(submitted(published_batch(tasks=1), worker=worker_1))
    settle.accept(assignment=paid, actor=paid.batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    root = User.objects.create_superuser("root")
    key, revoked = keys.make(user=first, name="revoked", now=NOON)
    keys.revoke(key=key, now=NOON)
    people = {
        "anonymous": None, "worker_1": worker_1, "worker_2": worker_2, "requester_a": first,
        "requester_b": second, "admin": root,
    }  # fmt: skip
    clients = {role: api(person) for role, person in people.items()}
    ApiKey.objects.update(last_used_at=NOON.replace(year=2100))  # so that no call writes
    return SimpleNamespace(
        owned=owned,
        worker=worker_1.public_id,
        clients={**clients, "revoked": Api(revoked)},
    )


def changes():
    """Rows that were written in this transaction so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        )
        return cursor.fetchone()[0]


def ask(world, role, method, route, whose):
    """One request and whatever it changed, undone: status, body, rows written."""
    ids = world.owned.get(whose) or dict.fromkeys(world.owned["a"], 2**62)
    path = re.sub(r"<(\w+)>", lambda name: str(ids[name[1]]), route)
    body = BODIES.get(route)
    if route.endswith("/experts"):
        body = {"reward": 1, "qualifications": requiring(SimpleNamespace(pk=ids["type"]))}
    if route == "batches/<open>/reject":
        body = {"rejections": [{"assignment": ids["submitted"], **REFUSAL}]}
    if route in NAMING_A_WORKER:
        body = {"worker": world.worker}
        if whose == "b" and route.endswith("revoke"):
            body = {"worker": User.objects.get(worker__assignments=ids["active"]).worker.public_id}
    with transaction.atomic():
        before = changes()
        response = world.clients[role].send(method, path, body if method != "GET" else None)
        text = text_of(response)
        written = changes() - before
        transaction.set_rollback(True)
    return SimpleNamespace(response=response, status=response.status_code, text=text, rows=written)


@pytest.mark.parametrize("role", ROLES)
def test_everybody_may_do_what_the_table_says_and_nothing_else(world, role):
    wrong = []
    for line in TABLE:
        where = line["method"], line["route"], line["whose"]
        got = ask(world, role, *where)
        if got.status != int(line[role]):
            wrong.append((*where, line[role], got.status, got.text[:200]))
        if got.status >= 400:
            wrong += [(*where, "tells", got.text)] * (CANARY in got.text)
            # What a lack of money stops has begun, and is undone.
            wrong += [(*where, "writes", got.rows)] * bool(got.rows and got.status != 402)
            problem_of(got.response)

    assert wrong == []


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"anonymous", "revoked"}])
def test_what_is_somebody_elses_looks_like_what_is_not_there(world, role):
    missing = {
        (line["method"], line["route"]): ask(world, role, line["method"], line["route"], "missing")
        for line in TABLE
        if line["whose"] == "a"
    }
    compared = 0
    for line in TABLE:
        if line[role] == "404" and line["whose"] != "missing":
            got = ask(world, role, line["method"], line["route"], line["whose"])
            alike = missing[line["method"], line["route"]]
            assert (got.status, got.text) == (alike.status, alike.text), line
            compared += 1

    assert compared or role == "admin"


@pytest.mark.parametrize(
    ("role", "status"),
    [("revoked", 401), ("worker_1", 405), ("requester_a", 405)],
)
def test_no_route_knows_a_method_that_is_not_in_the_table(world, role, status):
    known = {(line["method"], generic(line["route"])) for line in TABLE}
    wrong = []
    for route in sorted({line["route"] for line in TABLE}):
        if route.startswith("/"):
            continue
        for method in METHODS:
            if (method, generic(route)) not in known:
                got = ask(world, role, method, route, "a")
                if got.status != status or got.rows or CANARY in got.text:
                    wrong.append((method, route, got.status, got.text))

    assert wrong == []


def generic(route):
    """``batches/<open>/pause`` → ``batches/<id>/pause``, as the URL conf knows it."""
    return re.sub(r"<\w+>", "<id>", route)


def test_every_route_and_method_of_the_api_is_in_the_table():
    served = {
        (method, re.sub(r"<id:\w+>", "<id>", str(route.pattern)))
        for route in urlpatterns
        for method in METHODS
        if hasattr(route.callback.view_class, method.lower())
    }

    listed = {(line["method"], generic(line["route"])) for line in TABLE}

    assert {(method, route) for method, route in listed if not route.startswith("/")} == served


def test_every_other_address_is_open_or_has_tests_of_its_own():
    """A new address at the top must be put into the table, or be named here."""
    elsewhere = {"admin/", "account/", "", "api/v1/"}
    open_to_all = {line["route"].removeprefix("/") for line in TABLE if line["route"][0] == "/"}

    top = {str(each.pattern) for each in get_resolver().url_patterns}

    assert top - elsewhere == open_to_all


def test_every_line_with_an_id_is_there_for_own_foreign_and_missing_rows():
    for route in {line["route"] for line in TABLE if "<" in line["route"]}:
        for method in {line["method"] for line in TABLE if line["route"] == route}:
            whose = {
                line["whose"]
                for line in TABLE
                if generic(line["route"]) == generic(route) and line["method"] == method
            }
            assert whose == {"a", "b", "missing"}, route


def test_every_page_of_the_admin_site_is_closed_to_everybody_else(world):
    pages = [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in admin.site._registry
    ]

    assert pages
    for role in ROLES:
        for page in pages:
            assert world.clients[role].get(page).status_code == 302, (role, page)


def test_a_refusal_is_the_same_for_every_kind_of_caller_who_has_no_right(world):
    """No route tells a worker apart from an admin, or shows what it would have done."""
    for line in TABLE:
        if line["worker_1"] == line["worker_2"] == line["admin"] == "403":
            got = [
                ask(world, role, line["method"], line["route"], line["whose"]).text
                for role in ("worker_1", "worker_2", "admin")
            ]
            assert got[0] == got[1] == got[2]


def test_somebody_without_any_role_may_only_see_their_payouts_and_what_is_public(world):
    client = api(a_user())
    allowed = []
    for route in urlpatterns:
        path = re.sub(r"<id:\w+>", "1", str(route.pattern))
        if not path.startswith("public/") and client.get(path).status_code == 200:
            allowed.append(path)

    assert allowed == ["forecasts/record", "decisions", "payouts", "me/export"]
