from __future__ import annotations

import pytest

from tasks import aggregate
from tasks.models import Batch
from tests.factories import NOON, a_project, a_requester, fresh, published_batch, submitted, usd
from tests.marketplace.clients import api, problem_of, rows_of

pytestmark = pytest.mark.django_db


def make(requester, **body):
    project = a_project(requester=requester)
    return api(requester).post(f"projects/{project.pk}/batches", {"reward": 5, **body})


def test_redundancy_is_fixed_unless_it_is_asked_for():
    made = make(a_requester()).json()

    assert made["redundancy"] == {
        "policy": "fixed",
        "min": 1,
        "max": 15,
        "rule": "gain",
        "target": 0.95,
        "budget": None,
    }


def test_an_adaptive_batch_says_from_how_many_to_how_many_and_for_what():
    asked = {"policy": "adaptive", "min": 3, "max": 9, "rule": "target", "target": 0.9}

    made = make(a_requester(), overlap=4, redundancy={**asked, "budget": 5000}).json()

    assert made["redundancy"] == {**asked, "budget": 5000}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"redundancy": {"policy": "clever"}}, "policy"),
        ({"redundancy": {}}, "policy"),
        ({"redundancy": {"policy": "adaptive", "target": 1}}, "target"),
        ({"redundancy": {"policy": "adaptive", "rule": "luck"}}, "rule"),
        ({"redundancy": {"policy": "adaptive", "max": 101}}, "max"),
    ],
)
def test_a_policy_that_is_not_understood_is_refused_by_field(body, field):
    refused = make(a_requester(), **body)

    assert problem_of(refused) == (400, "invalid_request")
    pointers = [error["pointer"] for error in refused.json()["errors"]]
    assert pointers == [f"/redundancy/{field}"]


def test_a_policy_that_contradicts_itself_is_refused_with_words():
    body = {"redundancy": {"policy": "adaptive", "min": 6, "max": 3}}

    assert problem_of(make(a_requester(), **body)) == (422, "invalid_policy")


def test_the_quote_is_the_budget():
    requester = a_requester(usd(100_000))
    batch = make(requester, overlap=5, redundancy={"policy": "adaptive"}).json()["id"]
    api(requester).post(f"batches/{batch}/tasks", [{"image": f"{n}.png"} for n in range(10)])

    quote = api(requester).post(f"batches/{batch}/quote").json()

    assert quote["total"] == 10 * 5 * 6
    published = api(requester).post(f"batches/{batch}/publish").json()
    assert published["money"] == {"budget": 300, "spent": 0, "reserved": 10 * 6}


def test_a_budget_is_raised_by_saying_the_new_one():
    batch = published_batch(tasks=5, redundancy="adaptive", overlap=3)
    owner = batch.project.requester
    refused = api(owner).post(f"batches/{batch.pk}/budget", {"budget": 200})
    assert problem_of(refused) == (402, "insufficient_funds")
    assert refused.json()["missing"] == 200 - 5 * 3 * 6

    small = api(owner).post(f"batches/{batch.pk}/budget", {"budget": 5})

    assert problem_of(small) == (422, "invalid_policy")
    assert fresh(batch).cap_minor is None


def test_a_draft_whose_budget_is_too_small_says_what_is_missing():
    requester = a_requester(usd(100_000))
    asked = {"policy": "adaptive", "min": 2, "budget": 50}
    batch = make(requester, redundancy=asked).json()["id"]
    api(requester).post(f"batches/{batch}/tasks", [{"image": f"{n}.png"} for n in range(10)])

    refused = api(requester).post(f"batches/{batch}/publish")

    assert problem_of(refused) == (422, "budget_too_small")
    assert refused.json()["missing"] == 10 * 2 * 6 - 50
    assert Batch.objects.get(pk=batch).status == "draft"


def test_the_report_is_empty_before_anything_was_combined():
    batch = published_batch(tasks=1)

    said = api(batch.project.requester).get(f"batches/{batch.pk}/report").json()

    assert said == {"answers": 0, "closed": None, "elements": {}, "computed_at": None}


def test_the_report_says_how_sure_the_results_are():
    batch = published_batch(tasks=2)
    submitted(batch)
    aggregate.aggregate(batch=batch, now=NOON)

    said = api(batch.project.requester).get(f"batches/{batch.pk}/report").json()

    assert said["answers"] == 1
    assert said["closed"]["waiting"] == 1
    assert said["elements"]["label"]["calibrated"] is False


def test_results_say_what_is_closed_uncertain_and_waiting():
    batch = published_batch(tasks=3, overlap=1, aggregation="majority_vote")
    submitted(batch)
    submitted(batch)
    aggregate.aggregate(batch=batch, now=NOON)
    Batch.objects.update(target=0.999)

    rows = rows_of(api(batch.project.requester).get(f"batches/{batch.pk}/results"))

    assert sorted(row["status"] for row in rows) == ["closed", "closed", "waiting"]
    closed = next(row for row in rows if row["status"] == "closed")
    assert (closed["calibrated"], closed["source"]) == (False, "crowd")
    assert closed["raw_confidence"] == {"label": 1.0}
