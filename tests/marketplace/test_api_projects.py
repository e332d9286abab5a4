"""Projects, their versions, and drafts of batches, over the REST API."""

from __future__ import annotations

import pytest

from tasks.models import Batch, Project, ProjectVersion
from tests.factories import CATS_OR_DOGS, a_project, a_requester, a_worker, drafted_batch
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, api, problem_of

pytestmark = pytest.mark.django_db
A_PROJECT = {"title": "Pets", "instructions": "Look.", "interface": CATS_OR_DOGS}


def test_a_requester_makes_a_project_and_reads_it_back():
    client = api(a_requester())

    made = client.post("projects", A_PROJECT)

    assert made.status_code == 201
    assert made.json() == {
        "id": A_NUMBER,
        "title": "Pets",
        "version": 1,
        "instructions": "Look.",
        "interface": CATS_OR_DOGS,
        "created_at": AN_INSTANT,
    }
    assert client.get(f"projects/{made.json()['id']}").json() == made.json()


def test_a_project_needs_no_instructions():
    made = api(a_requester()).post("projects", {"title": "Pets", "interface": CATS_OR_DOGS})

    assert (made.status_code, made.json()["instructions"]) == (201, "")


def test_text_is_kept_as_it_was_sent():
    said = {**A_PROJECT, "title": " Pets\u202e ", "instructions": "  * look\n\n  * say\n"}
    made = api(a_requester()).post("projects", said).json()

    assert (made["title"], made["instructions"]) == (said["title"], said["instructions"])


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"title": ""}, 400, "invalid_request", "/title"),
        ({"title": "   "}, 400, "invalid_request", "/title"),
        ({"title": "x" * 201}, 400, "invalid_request", "/title"),
        ({"title": 5}, 400, "invalid_request", "/title"),
        ({"title": None}, 400, "invalid_request", "/title"),
        ({"title": ["Pets"]}, 400, "invalid_request", "/title"),
        ({"instructions": 5}, 400, "invalid_request", "/instructions"),
        ({"instructions": "x" * 50_001}, 400, "invalid_request", "/instructions"),
        ({"interface": None}, 400, "invalid_request", "/interface"),
        ({"interface": []}, 422, "invalid_interface", None),
        ({"interface": [{"type": "image", "value": "${url}"}]}, 422, "invalid_interface", None),
        ({"interface": [{"type": "dance", "name": "x"}]}, 422, "invalid_interface", None),
        ({"interface": "choice"}, 422, "invalid_interface", None),
    ],
)
def test_a_project_that_is_refused_is_not_stored(change, status, code, pointer):
    refused = api(a_requester()).post("projects", {**A_PROJECT, **change})

    assert problem_of(refused) == (status, code)
    assert pointer is None or [e["pointer"] for e in refused.json()["errors"]] == [pointer]
    assert not Project.objects.exists()


def test_a_refusal_names_every_field_that_is_wrong():
    refused = api(a_requester()).post("projects", {"instructions": 5})

    assert refused.json() == {
        "type": "/docs/errors#invalid_request",
        "title": "Invalid request",
        "status": 400,
        "code": "invalid_request",
        "detail": "/title: This field is required.; /instructions: Not a valid string.; "
        "/interface: This field is required.",
        "errors": [
            {"pointer": "/title", "detail": "This field is required.", "code": "required"},
            {"pointer": "/instructions", "detail": "Not a valid string.", "code": "invalid"},
            {"pointer": "/interface", "detail": "This field is required.", "code": "required"},
        ],
    }


def test_only_requesters_make_projects():
    assert problem_of(api(a_worker()).post("projects", A_PROJECT)) == (403, "permission_denied")
    assert not Project.objects.exists()


def test_the_list_holds_the_callers_own_projects_newest_first():
    requester = a_requester()
    first, second = a_project(requester=requester), a_project(requester=requester)
    a_project()

    listed = api(requester).get("projects").json()

    assert [each["id"] for each in listed["results"]] == [second.pk, first.pk]
    assert (listed["next"], listed["previous"]) == (None, None)


def test_reading_a_long_list_of_projects_takes_as_many_queries_as_a_short_one(
    django_assert_max_num_queries,
):
    requester = a_requester()
    for _ in range(5):
        a_project(requester=requester)
    client = api(requester)

    with django_assert_max_num_queries(4):  # who calls, when the key was used, projects, versions
        client.get("projects")


def test_a_revision_is_a_new_version_and_batches_keep_theirs():
    requester = a_requester()
    project = a_project(requester=requester)
    before = drafted_batch(project=project)
    client = api(requester)
    birds = [{"type": "choice", "name": "label", "options": ["bird", "none"]}]

    revised = client.post(f"projects/{project.pk}/versions", {"interface": birds})
    after = client.post(f"projects/{project.pk}/batches", {"reward": 5}).json()

    assert (revised.status_code, revised.json()["version"]) == (201, 2)
    assert revised.json()["interface"] == birds
    assert revised.json()["instructions"] == ""
    assert client.get(f"batches/{before.pk}").json()["version"] == 1
    assert after["version"] == 2


def test_a_revision_that_is_not_understood_adds_no_version():
    requester = a_requester()
    project = a_project(requester=requester)

    refused = api(requester).post(f"projects/{project.pk}/versions", {"interface": {}})

    assert problem_of(refused) == (422, "invalid_interface")
    assert ProjectVersion.objects.count() == 1


def test_a_batch_starts_as_a_draft_with_what_most_batches_want():
    requester = a_requester()
    project = a_project(requester=requester)

    made = api(requester).post(f"projects/{project.pk}/batches", {"reward": 5})

    assert made.status_code == 201
    assert made.json() == {
        "id": A_NUMBER,
        "project": project.pk,
        "version": 1,
        "status": "draft",
        "purpose": "work",
        "grants": None,
        "pass_mark": 0.8,
        "rules": [],
        "reward": 5,
        "fee": 1,
        "currency": "USD",
        "overlap": 3,
        "redundancy": {
            "policy": "fixed",
            "min": 1,
            "max": 15,
            "rule": "gain",
            "target": 0.95,
            "budget": None,
        },
        "assignment_duration_seconds": 1800,
        "auto_accept_delay_seconds": 259_200,
        "gold_rate": 0.05,
        "max_live_assignments": 20,
        "qualifications": [],
        "aggregation": "auto",
        "tasks": 0,
        "gold": 0,
        "answers_wanted": 0,
        "money": {"budget": 0, "spent": 0, "reserved": 0},
        "estimate_seconds": None,
        "floor": None,
        "reserve": {"brought": 0, "left": 0, "each": 0},
        "pilot_left": None,
        "paused_for": "",
        "content_warnings": [],
        "data_use": "",
        "progress": None,
        "created_at": AN_INSTANT,
        "published_at": None,
        "aggregated_at": None,
        "closed_at": None,
    }


def test_every_rule_of_a_batch_can_be_chosen():
    requester = a_requester()
    project = a_project(requester=requester)
    rules = {
        "reward": 250,
        "currency": "JPY",
        "overlap": 7,
        "assignment_duration_seconds": 61,
        "auto_accept_delay_seconds": 0,
        "gold_rate": 0.125,
        "max_live_assignments": 1,
        "qualifications": [{"qualification": "country", "comparator": "in", "values": ["DE"]}],
        "aggregation": "majority_vote",
    }

    made = api(requester).post(f"projects/{project.pk}/batches", rules).json()

    assert {name: made[name] for name in rules} == rules
    assert made["fee"] == 50


@pytest.mark.parametrize(
    ("rules", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"reward": 0}, 400, "invalid_request"),
        ({"reward": -5}, 400, "invalid_request"),
        ({"reward": "5"}, 400, "invalid_request"),
        ({"reward": 5.0}, 400, "invalid_request"),
        ({"reward": True}, 400, "invalid_request"),
        ({"reward": 10**12}, 400, "invalid_request"),
        ({"reward": 5, "currency": "XXX"}, 400, "unknown_currency"),
        ({"reward": 5, "currency": "usd"}, 400, "unknown_currency"),
        ({"reward": 5, "currency": " USD"}, 400, "invalid_request"),
        ({"reward": 5, "overlap": 101}, 400, "invalid_request"),
        ({"reward": 5, "gold_rate": 0.51}, 400, "invalid_request"),
        ({"reward": 5, "gold_rate": "0.1"}, 400, "invalid_request"),
        ({"reward": 5, "gold_rate": 10**400}, 400, "invalid_request"),
        ({"reward": 5, "aggregation": "guess"}, 400, "invalid_request"),
        ({"reward": 5, "assignment_duration_seconds": 0}, 400, "invalid_request"),
        ({"reward": 5, "qualifications": {}}, 422, "invalid_requirement"),
        (
            {"reward": 5, "qualifications": [{"qualification": 2**70, "comparator": "exists"}]},
            422,
            "invalid_requirement",
        ),
    ],
)
def test_a_batch_that_is_refused_is_not_stored(rules, status, code):
    requester = a_requester()
    project = a_project(requester=requester)

    refused = api(requester).post(f"projects/{project.pk}/batches", rules)

    assert problem_of(refused) == (status, code)
    assert not Batch.objects.exists()


@pytest.mark.parametrize("route", ["projects/{}", "projects/{}/versions", "projects/{}/batches"])
def test_somebody_elses_project_does_not_exist(route):
    theirs, missing = a_project().pk, 2**62
    client = api(a_requester())
    method = "GET" if route == "projects/{}" else "POST"

    foreign = client.send(method, route.format(theirs), {"reward": 5, "interface": CATS_OR_DOGS})

    assert problem_of(foreign) == (404, "not_found")
    assert foreign.content == client.send(method, route.format(missing)).content
