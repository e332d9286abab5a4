"""Lists come in pages that a client can read to the end while rows are added."""

from __future__ import annotations

import base64
import itertools

import pytest

from payments import payouts
from payments.deposits import deposit
from tasks import settle
from tests.factories import (
    NOON,
    a_project,
    a_requester,
    a_worker,
    drafted_batch,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import api, pages_of, problem_of
from tests.tasks.marketplace import reread
from workers import qualify

pytestmark = pytest.mark.django_db


def a_list(route, count):
    """A client with ``count`` rows in a list, and a function that adds one."""
    requester = a_requester()
    project = a_project(requester=requester)
    names = (f"number {n}" for n in itertools.count())
    add = {
        "projects": lambda: a_project(requester=requester),
        "batches": lambda: drafted_batch(project=project),
        "qualifications": lambda: qualify.define(requester=requester, name=next(names), now=NOON),
        "wallet": lambda: deposit(
            owner_id=requester.pk, amount=usd(1), reference=next(names), now=NOON
        ),
    }[route]
    for _ in range(count - (route == "projects")):
        add()
    return api(requester), add


@pytest.mark.parametrize("route", ["projects", "batches", "qualifications", "wallet"])
def test_following_next_reads_every_row_once(route):
    client, _ = a_list(route, 5)
    key = "entries" if route == "wallet" else "results"

    pages = pages_of(client, f"{route}?limit=2", key=key)

    ids = [row["id"] for page in pages for row in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert ids == sorted(set(ids), reverse=True)


@pytest.mark.parametrize("route", ["projects", "batches", "qualifications", "wallet"])
def test_rows_that_are_added_do_not_shift_what_is_unread(route):
    client, add = a_list(route, 4)
    key = "entries" if route == "wallet" else "results"
    whole = [row["id"] for row in client.get(route).json()[key]]
    first = client.get(f"{route}?limit=2").json()

    for _ in range(3):
        add()
    second = client.get(first["next"].replace("http://testserver", "")).json()

    assert [row["id"] for row in [*first[key], *second[key]]] == whole


def test_a_client_can_go_back():
    client, _ = a_list("projects", 4)
    first = client.get("projects?limit=2").json()

    second = client.get(first["next"].replace("http://testserver", "")).json()
    back = client.get(second["previous"].replace("http://testserver", "")).json()

    assert back["results"] == first["results"]


def test_a_page_has_50_rows_unless_another_limit_is_asked_for_and_never_more_than_200():
    requester = a_requester()
    qualify.QualificationType.objects.bulk_create(
        qualify.QualificationType(requester=requester, name=f"Q{n}", created_at=NOON)
        for n in range(201)
    )
    client = api(requester)

    def length(query):
        return len(client.get(f"qualifications{query}").json()["results"])

    assert [length(query) for query in ("", "?limit=7", "?limit=200", "?limit=5000")] == [
        50,
        7,
        200,
        200,
    ]


def test_payouts_are_paged():
    batch, worker = published_batch(tasks=1, reward=usd(3)), a_worker()
    settle.accept(
        assignment=reread(submitted(batch, worker=worker)),
        actor=batch.project.requester,
        now=NOON,
    )
    settle.pay_accepted(now=NOON)
    for _ in range(3):
        payouts.request(owner_id=worker.user_id, amount=usd(1), now=NOON)

    pages = pages_of(api(worker), "payouts?limit=2")

    assert [len(page) for page in pages] == [2, 1]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "9" * 5000, "%00", ""])
def test_a_limit_that_cannot_be_is_not_an_error_of_ours(limit):
    client, _ = a_list("projects", 2)

    assert client.get(f"projects?limit={limit}").status_code == 200


@pytest.mark.parametrize(
    "position",
    ["p=x", "p=", "p=1e5", "p=-1", "p=1.5", "p=%00", "p=9223372036854775808", f"p={'9' * 5000}",
     "p=%D9%A3", "p=1_0", "o=x", "o=-1", f"o={'9' * 5000}", "r=x"],
)  # fmt: skip
def test_a_cursor_that_nobody_was_given_is_not_found(position):
    client, _ = a_list("projects", 2)
    cursor = base64.b64encode(position.encode()).decode()

    assert problem_of(client.get(f"projects?cursor={cursor}")) == (404, "not_found")


@pytest.mark.parametrize("cursor", ["x", "%FF", "%00", "====", "é", "cD0x" * 3000])
def test_a_cursor_that_is_no_cursor_is_no_error_of_ours(cursor):
    client, _ = a_list("projects", 2)

    assert client.get(f"projects?cursor={cursor}").status_code in {200, 404}
