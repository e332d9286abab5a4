"""Every id, parameter and header meets every evil value, and none is an error of ours."""

from __future__ import annotations

import json
import logging
import re

import pytest
import structlog

from marketplace.api.urls import urlpatterns
from tests.factories import a_requester
from tests.marketplace.asking import a_world, addressed
from tests.marketplace.clients import Api, api, problem_of, text_of
from tests.marketplace.evil import IDS, QUERIES

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return a_world()


OF_WORKERS = {"work", "assignments", "earnings", "earnings/statement"}
GETS = [
    "projects", "batches", "qualifications", "work", "assignments", "wallet", "earnings", "payouts",
    "projects/<project>", "batches/<open>", "batches/<open>/results", "batches/<open>/answers",
    "batches/<open>/workers",
]  # fmt: skip


LISTS = GETS[:8]
STATEMENTS = ["earnings/statement", "wallet/statement"]
PARAMETERS = {
    "limit": LISTS,
    "cursor": LISTS,
    "currency": ["wallet", "earnings", "work"],
    "format": ["projects", *GETS[-4:], *STATEMENTS, "public/transparency"],
    **{name: ["work"] for name in ("min_hourly", "requester", "without", "sort")},
    **dict.fromkeys(("from", "to"), STATEMENTS),
    "quarter": ["public/transparency"],
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


ATTACKS = [
    "ordering=requester__password", "requester__password__startswith=a", "id__gt=0",
    "_connector=OR", "project__requester=1", "search=x", "fields=*",
]  # fmt: skip


def test_a_parameter_that_names_a_column_changes_nothing(world):
    for route in GETS:
        client = world["working" if route in OF_WORKERS else "requester"]
        path = addressed(route, world["ids"])
        plain = text_of(client.get(path))
        for attack in ATTACKS:
            assert text_of(client.get(f"{path}?{attack}")) == plain, (route, attack)


def test_an_evil_id_is_not_found(world):
    wrong = []
    for route in urlpatterns:
        pattern, view = str(route.pattern), route.callback.view_class
        if "<id:" not in pattern:
            continue
        method = next(name for name in ("get", "put", "post") if hasattr(view, name)).upper()
        for evil in IDS:
            path = pattern.replace(re.search("<id:[a-z_]+>", pattern)[0], evil)
            for client in world["requester"], world["working"]:
                response = client.send(method, path)
                problem_of(response)
                # 403: the caller has not the role, whatever the id. 400: nor a body.
                if response.status_code not in {400, 403, 404}:
                    wrong.append((method, path[:60], response.status_code))

    assert wrong == []


HEADERS = [
    "accept",
    "accept_language",
    "range",
    "cookie",
    "if_none_match",
    "origin",
    "x_request_id",
]
VALUES = ["", "\xff\xfe", "x" * 10_000, ";;;,,,", "*/*;q=abc", "a/b;q=1;q=2", "\u00e9", "/", "a/"]


def test_an_evil_header_is_never_our_error():
    client = api(a_requester(), errors_as_500=True)
    for header in HEADERS:
        for value in VALUES:
            response = client.get("projects", **{header: value})

            assert response.status_code == 200 or (header, response.status_code) == ("accept", 406)


def test_an_evil_address_writes_one_line_into_the_log(caplog):
    client = Api(None)
    [console] = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    paths = ["a%0d%0aINFO%20forged", "%1b[31mred", "%00", "%e2%80%a8", '"}{"a":"', "%5cn"]
    with caplog.at_level("INFO"):
        for path in paths:
            client.get(path)

    lines = [console.format(each) for each in caplog.records if each.name == "crowdwright.request"]

    assert [json.loads(line)["status"] for line in lines] == [404] * len(paths)
    assert not any(len(line.splitlines()) > 1 or "\x1b" in line for line in lines)
