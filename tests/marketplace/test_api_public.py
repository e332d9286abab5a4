"""What is public needs no account, names nobody, and costs a stranger's request next to nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import WageFloor
from tasks.disclosure import report
from tasks.disclosure.quarters import latest_published
from tasks.models import Batch
from tests.factories import NOON, floor, published_batch
from tests.marketplace.clients import api, problem_of, text_of
from tests.tasks.disclosure.working import answered, workers_of

pytestmark = pytest.mark.django_db
PATHS = ["public/transparency", "public/algorithms", "public/floors"]


@pytest.fixture(autouse=True)
def _an_empty_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anybody():
    return api(None)


def a_quarter_of_work(workers=12):
    """Work in the latest quarter that can be published, and its name."""
    quarter = latest_published(timezone.now())
    batch = published_batch(tasks=workers)
    Batch.objects.filter(pk=batch.pk).update(published_at=quarter.start)
    done = workers_of("DE", workers)
    for worker in done:
        answered(batch, worker, at=quarter.start + timedelta(days=1))
    report.publish_due(now=timezone.now())
    return str(quarter), done


@pytest.mark.parametrize("path", PATHS)
def test_no_login_is_needed_and_the_answer_may_be_kept(anybody, path):
    a_quarter_of_work()

    answer = anybody.get(path)

    assert answer.status_code == 200
    assert "public" in answer.headers["Cache-Control"]
    assert "max-age=" in answer.headers["Cache-Control"]
    assert not answer.cookies


def test_the_report_of_the_latest_quarter_comes_without_asking(anybody):
    quarter, _ = a_quarter_of_work()

    told = anybody.get("public/transparency").json()

    assert (told["quarter"], told["k"]) == (quarter, 10)
    german = next(cell for cell in told["cells"] if cell["group"] == "DE")
    assert german == {
        "section": "pay", "currency": "USD", "group": "DE", "people": 12, "suppressed": False,
        "figures": {"hours": 0.2, "hourly_median_minor": 300, "hourly_p10_minor": 300},
    }  # fmt: skip


def test_the_report_comes_as_csv_with_a_line_per_figure(anybody):
    quarter, _ = a_quarter_of_work()

    answer = anybody.get(f"public/transparency?quarter={quarter}&format=csv")

    lines = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert answer.headers["Content-Type"] == "text/csv"
    assert f'filename="transparency-{quarter}.csv"' in answer.headers["Content-Disposition"]
    assert {
        "quarter": quarter, "section": "pay", "currency": "USD", "group": "DE", "people": "12",
        "suppressed": "False", "figure": "hourly_median_minor", "value": "300",
    } in lines  # fmt: skip


def test_a_suppressed_cell_is_there_without_people_or_figures(anybody):
    a_quarter_of_work(workers=9)

    told = anybody.get("public/transparency").json()
    lines = text_of(anybody.get("public/transparency?format=csv"))

    german = next(cell for cell in told["cells"] if cell["group"] == "DE")
    assert (german["people"], german["suppressed"], german["figures"]) == (None, True, {})
    assert ",pay,USD,DE,,True,," in lines


def test_nothing_public_names_a_person(anybody):
    _, workers = a_quarter_of_work()
    floor(1200, proposed_by=workers[0].user)

    told = "".join(json.dumps(anybody.get(path).json()) for path in PATHS)

    for worker in workers:
        assert worker.public_id not in told
        assert worker.user.username not in told


@pytest.mark.parametrize("quarter", ["2026", "2026Q5", "x", "", "2026Q1%00", "9" * 5000])
def test_what_is_no_quarter_is_refused(anybody, quarter):
    assert problem_of(anybody.get(f"public/transparency?quarter={quarter}")) == (
        400,
        "invalid_request",
    )


def test_a_quarter_that_is_not_over_for_thirty_days_is_not_public(anybody):
    a_quarter_of_work()
    coming = latest_published(timezone.now()).following

    answer = anybody.get(f"public/transparency?quarter={coming}")

    assert problem_of(answer) == (404, "not_found")
    assert f"{coming.published_at:%Y-%m-%d}" in answer.json()["detail"]


def test_before_the_first_report_the_day_of_the_next_is_told(anybody):
    answer = anybody.get("public/transparency")

    assert problem_of(answer) == (404, "not_found")
    assert "is published on 20" in answer.json()["detail"]


def test_nothing_is_computed_when_a_stranger_asks(anybody):
    a_quarter_of_work()
    anybody.get("public/floors")

    with CaptureQueriesContext(connection) as made:
        for path in PATHS:
            anybody.get(path)

    [query] = made.captured_queries
    assert 'FROM "workers_event"' in query["sql"]


def test_the_register_names_rules_with_all_that_is_owed(anybody):
    told = anybody.get("public/algorithms").json()

    conduct = next(rule for rule in told["rules"] if rule["name"] == "rules of conduct")
    assert conduct["inputs"][0] == "answers to control tasks"
    assert conduct["remedy"] == "Ask for a human's look: POST /restrictions/{id}/appeal."
    assert conduct["jobs"] == ["apply_rules", "lift_ended"]
    assert "audit_ledger" in told["touches_no_worker"]


def test_floors_are_told_by_place_and_day_and_only_once_two_have_agreed(anybody):
    floor(1200, valid_to=date(2026, 1, 1))
    floor(1300, valid_from=date(2026, 1, 1), proposal_id=7)
    WageFloor.objects.create(
        jurisdiction="DE", currency="EUR", per_hour_minor=1460, valid_from=date(2027, 1, 1),
        source="law", checked_on=date(2026, 1, 1), proposed_at=NOON,
    )  # fmt: skip

    told = anybody.get("public/floors").json()

    assert [(each["per_hour"], each["valid_from"], each["vote"]) for each in told] == [
        (1200, "2020-01-01", None),
        (1300, "2026-01-01", 7),
    ]
    assert told[0] == {
        "jurisdiction": "platform", "currency": "USD", "per_hour": 1200,
        "valid_from": "2020-01-01", "valid_to": "2026-01-01", "source": "test",
        "checked_on": "2026-01-01", "vote": None,
    }  # fmt: skip
