"""Forecasts over the REST API and on the command line."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tasks import publish
from tasks.foresight import foresee
from tasks.models import Forecast
from tests.factories import HOUR, NOON, a_user, drafted_batch, fresh, published_batch
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, api, pages_of, problem_of
from tests.tasks.foreseeing import Crowd, a_pilot
from tests.tasks.publishing import give

pytestmark = pytest.mark.django_db
ASSUMED = {"basis": "assumptions", "seconds": [10, 40], "workers_per_hour": 2}


def a_draft(**fields):
    batch = drafted_batch(**{"tasks": 50, "overlap": 3, **fields})
    return batch, api(batch.project.requester), f"batches/{batch.pk}/forecast"


def test_a_draft_is_forecast_from_assumptions():
    batch, client, route = a_draft()

    response = client.post(route, ASSUMED)

    assert response.status_code == 201
    made = response.json()
    assert made["intervals"].keys() == {
        "answers_per_task", "cost_minor", "accuracy", "closed", "hours", "hourly_wage_minor"
    }  # fmt: skip
    assert made["intervals"]["cost_minor"] == {"low": 900, "mid": 900, "high": 900}
    assert made["intervals"]["hourly_wage_minor"] == {"low": 450, "mid": 900, "high": 1800}
    assert "A worker gives 30 answers." in made["assumptions"]
    rest = {name: made[name] for name in made if name not in {"intervals", "assumptions"}}
    assert rest == {
        "id": A_NUMBER,
        "batch": batch.pk,
        "basis": "assumptions",
        "level": 0.8,
        "tasks": 50,
        "pilot": None,
        "unknown": {},
        "made_at": AN_INSTANT,
        "actual": None,
        "covered": None,
        "scored_at": None,
    }


def test_a_running_batch_is_forecast_from_its_pilot():
    batch = a_pilot(tasks=60, answers=120)

    made = api(batch.project.requester).post(f"batches/{batch.pk}/forecast", {"basis": "pilot"})

    assert made.status_code == 201
    assert (made.json()["basis"], made.json()["pilot"]) == ("pilot", batch.pk)


def test_a_repeated_request_makes_one_forecast():
    _, client, route = a_draft(tasks=2)

    first, second = (client.post(route, ASSUMED, idempotency_key="k") for _ in range(2))

    assert first.json() == second.json()
    assert Forecast.objects.count() == 1


def test_forecasts_are_listed_newest_first():
    batch, client, route = a_draft(tasks=2)
    ids = [client.post(route, ASSUMED).json()["id"] for _ in range(3)]

    pages = pages_of(client, f"batches/{batch.pk}/forecasts?limit=2")

    assert [[row["id"] for row in page] for page in pages] == [[ids[2], ids[1]], [ids[0]]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"basis": "hope"},
        {"basis": "pilot", "workers_per_hour": 2},
        {**ASSUMED, "accuracy": [0.5]},
        {**ASSUMED, "accuracy": [0.5, 1.5]},
        {**ASSUMED, "seconds": ["10", "40"]},
        {**ASSUMED, "answers_per_worker": 0},
    ],
)
def test_a_bad_body_is_refused(body):
    _, client, route = a_draft(tasks=2)

    assert problem_of(client.post(route, body)) == (400, "invalid_request")


def test_each_refusal_says_why():
    _, client, route = a_draft(tasks=2)
    running = published_batch(tasks=2)
    owner, its = api(running.project.requester), f"batches/{running.pk}/forecast"

    empty_range = client.post(route, {**ASSUMED, "accuracy": [0.9, 0.5]})
    assert problem_of(empty_range) == (422, "invalid_assumptions")
    assert problem_of(client.post(route, {"basis": "pilot"})) == (409, "pilot_too_small")
    assert problem_of(owner.post(its, ASSUMED)) == (409, "illegal_transition")
    assert problem_of(owner.post(its, {"basis": "pilot"})) == (409, "pilot_too_small")


def test_everybody_may_read_how_often_forecasts_held():
    batch, client, route = a_draft(tasks=10, gold=1, gold_rate=0.1)
    client.post(route, ASSUMED)
    give(batch, 1000)
    publish.publish(batch=batch, actor=batch.project.requester, now=NOON)
    Crowd(4).finish(fresh(batch))
    foresee.score_due(now=NOON + HOUR)

    found = api(a_user()).get("forecasts/record").json()

    assert found["level"] == 0.8
    cost = {
        "basis": "assumptions",
        "quantity": "cost_minor",
        "held": 1,
        "forecasts": 1,
        "share": pytest.approx(0.75),
        "low": pytest.approx(0.147, abs=1e-3),
        "high": 1.0,
    }
    assert cost in found["quantities"]
    listed = client.get(f"batches/{batch.pk}/forecasts").json()["results"]
    assert listed[0]["covered"]["cost_minor"] is True
    assert listed[0]["actual"]["tasks"] == 10


# On the command line.


def run(*arguments):
    out = StringIO()
    call_command("forecast", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_prints_what_the_api_says():
    batch, client, route = a_draft()

    printed = json.loads(run(batch.pk, "--seconds", 10, 40, "--workers-per-hour", 2, "--json"))

    said = client.post(route, ASSUMED).json()
    for part in "basis", "level", "intervals", "unknown", "assumptions", "tasks", "pilot":
        assert printed[part] == said[part]


def test_the_command_prints_a_table_and_what_it_assumes():
    batch, *_ = a_draft()

    lines = run(batch.pk).splitlines()

    assert lines[1].split() == ["cost_minor", "900", "900", "900"]
    assert "- A worker gives 30 answers." in lines


def test_the_command_forecasts_from_a_pilot():
    batch = a_pilot(tasks=60, answers=120)

    assert json.loads(run(batch.pk, "--pilot", "--json"))["pilot"] == batch.pk


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--pilot"], "No earlier batch"),
        (["--pilot", "--workers-per-hour", 3], "takes no assumptions"),
        (["--accuracy", 0.9, 0.2], "range of the accuracy"),
    ],
)
def test_the_command_says_why_not(options, why):
    with pytest.raises(CommandError, match=why):
        run(drafted_batch(tasks=2).pk, *options)


def test_the_command_knows_no_batch_that_is_not_there():
    with pytest.raises(CommandError, match="no batch"):
        run(2**40)
