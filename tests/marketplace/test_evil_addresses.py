"""Every id, parameter and header meets every evil value, and none is an error of ours."""

from __future__ import annotations

import re

import pytest

from marketplace.api.urls import urlpatterns
from tests.marketplace.clients import problem_of, text_of
from tests.marketplace.endpoints import a_world, addressed
from tests.marketplace.evil import IDS, QUERIES

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return a_world()


OF_WORKERS = {"work", "assignments", "earnings"}
GETS = [
    "projects", "batches", "qualifications", "work", "assignments", "wallet", "earnings", "payouts",
    "projects/<project>", "batches/<open>", "batches/<open>/results", "batches/<open>/answers",
    "batches/<open>/workers",
]  # fmt: skip


LISTS = GETS[:8]
PARAMETERS = {
    "limit": LISTS,
    "cursor": LISTS,
    "currency": ["wallet", "earnings"],
    "format": ["projects", *GETS[-4:]],
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_evil_parameter_is_never_our_error(world, name):
    wrong = []
    for route in PARAMETERS[name]:
        client = world["working" if route in OF_WORKERS else "requester"]
        for value in QUERIES:
            response = client.get(f"{addressed(route, world['ids'])}?{name}={value}")
            text_of(response)
            if response.status_code >= 500:
                wrong.append((route, value, response.status_code))
            elif response.status_code >= 400:
                problem_of(response)

    assert wrong == []


@pytest.mark.parametrize(
    "attack",
    ["ordering=requester__password", "requester__password__startswith=a", "id__gt=0",
     "_connector=OR", "project__requester=1", "search=x", "fields=*"],
)  # fmt: skip
def test_a_parameter_that_names_a_column_changes_nothing(world, attack):
    for route in GETS:
        client = world["working" if route in OF_WORKERS else "requester"]
        path = addressed(route, world["ids"])

        assert text_of(client.get(f"{path}?{attack}")) == text_of(client.get(path))


def test_an_evil_id_is_not_found(world):
    wrong = []
    for route in urlpatterns:
        pattern = str(route.pattern)
        if "<id:" not in pattern:
            continue
        method = "GET" if hasattr(route.callback.view_class, "get") else "POST"
        if hasattr(route.callback.view_class, "put"):
            method = "PUT"
        for evil in IDS:
            path = re.sub(r"<id:\w+>", lambda _: evil, pattern)  # noqa: B023
            for client in world["requester"], world["working"]:
                response = client.send(method, path)
                # 403: the caller has not the role, whatever the id. 400: nor a body.
                if response.status_code not in {400, 403, 404}:
                    wrong.append((method, path[:60], response.status_code))
                else:
                    problem_of(response)

    assert wrong == []


@pytest.mark.parametrize(
    "header", ["accept", "accept_language", "if_none_match", "range", "cookie"]
)
@pytest.mark.parametrize(
    "value",
    ["", "\xff\xfe", "x" * 10_000, ";;;,,,", "*/*;q=abc", "a/b;q=1;q=2", "\u00e9", "/"],
)
def test_an_evil_header_is_never_our_error(world, header, value):
    response = world["requester"].get("projects", **{header: value})

    assert response.status_code in {200, 406}
