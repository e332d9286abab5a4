from __future__ import annotations

import json
import logging

import pytest

from marketplace.api import keys
from tests.factories import NOON, a_requester

pytestmark = pytest.mark.django_db


def lines(caplog):
    return [record.msg for record in caplog.records if record.name == "crowdwright.request"]


def test_each_request_is_one_line_with_its_caller(client, caplog):
    caplog.set_level(logging.INFO)
    user = a_requester()
    _, token = keys.make(user=user, name="test", now=NOON)

    client.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})

    (line,) = lines(caplog)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/projects", 200)
    assert line["user"] == user.pk
    assert token not in json.dumps(line, default=str)


def test_a_proxys_request_id_is_taken_over(client):
    response = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"})

    assert response["X-Request-ID"] == "from-the-proxy-1"


def test_a_request_id_that_could_break_a_log_line_is_replaced(client):
    response = client.get("/healthz", headers={"X-Request-ID": 'x" injected'})

    assert len(response["X-Request-ID"]) == 32


def test_health_checks_leave_no_line(client, caplog):
    caplog.set_level(logging.INFO)

    client.get("/healthz")

    assert lines(caplog) == []


def test_logging_loads_nobody(client, caplog, django_assert_num_queries):
    caplog.set_level(logging.INFO)

    with django_assert_num_queries(0):
        client.get("/account/login/")

    assert lines(caplog)[0]["user"] is None
