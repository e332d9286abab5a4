from __future__ import annotations

import pytest

from tasks.forecasting.intervals import Interval
from tasks.foresight import outlook
from tasks.foresight.outlook import Outlook, Stated
from tests.factories import a_project, drafted_batch

pytestmark = pytest.mark.django_db
DEEP = {
    "redundancy": "adaptive",
    "rule": "spend",
    "overlap": 50,
    "overlap_min": 2,
    "overlap_max": 100,
}


def options(count):
    names = [str(number) for number in range(count)]
    return a_project(interface=[{"type": "choice", "name": "label", "options": names}])


@pytest.mark.parametrize(
    ("classes", "overlap", "runs", "tasks"),
    [(2, 3, 7, 100), (10, 8, 7, 50), (10, 100, 7, 20), (60, 3, 4, 22)],
)
def test_the_more_answers_and_classes_the_less_is_simulated(classes, overlap, runs, tasks):
    batch = drafted_batch(tasks=1, overlap=overlap)

    assert outlook.effort(batch, classes) == (runs, tasks)


def test_the_forecast_says_how_much_was_simulated():
    batch = drafted_batch(tasks=300, overlap=3, project=options(60))

    found = outlook.assumed(batch, Stated())

    assert "4 batches are simulated, each with at most 22 tasks to come." in found.assumptions


def test_a_budget_for_more_answers_than_are_simulated_only_bounds_them():
    batch = drafted_batch(tasks=30, **DEEP)

    found = outlook.assumed(batch, Stated())

    assert found.intervals["answers_per_task"] == (2, 10, 50)
    assert found.intervals["cost_minor"] == (30 * 2 * 6, 30 * 10 * 6, 30 * 50 * 6)


def test_a_questions_second_place_does_not_hide_its_classes():
    interface = [
        {"type": "text", "name": "why"},
        {"type": "choice", "name": "label", "options": ["cat", "dog"]},
    ]
    batch = drafted_batch(tasks=10, project=a_project(interface=interface))

    assert "accuracy" in outlook.assumed(batch, Stated()).intervals


def test_money_is_rounded_outwards_and_the_rest_to_four_digits():
    found = Outlook(
        {"cost_minor": Interval(10.2, 11.5, 12.1), "hours": Interval(0.12344, 1.0, 2.00009)}, {}, []
    )

    assert found.as_json() == {
        "level": 0.8,
        "intervals": {
            "cost_minor": {"low": 10, "mid": 12, "high": 13},
            "hours": {"low": 0.1234, "mid": 1.0, "high": 2.0001},
        },
        "unknown": {},
        "assumptions": [],
    }
