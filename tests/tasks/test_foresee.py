from __future__ import annotations

import pytest

from tasks import publish
from tasks.errors import EmptyBatch, IllegalTransition, InvalidAssumptions, PilotTooSmall
from tasks.foresight import foresee
from tasks.models import Batch, Forecast
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    drafted_batch,
    fresh,
    published_batch,
    submitted,
    usd,
)
from tests.tasks.foreseeing import Crowd, a_pilot, bounds, conclude
from tests.tasks.publishing import give
from workers.models import Event

pytestmark = pytest.mark.django_db
TEXT = [{"type": "text", "name": "caption"}]
ALL = {"answers_per_task", "cost_minor", "accuracy", "closed", "hours", "hourly_wage_minor"}


def assume(batch, **stated):
    return foresee.from_assumptions(batch=batch, **stated, now=NOON)


def from_pilot(batch, now=NOON):
    return foresee.from_pilot(batch=batch, now=now)


# From assumptions.


def test_with_a_fixed_overlap_and_no_gold_the_cost_is_certain():
    batch = drafted_batch(tasks=50, overlap=3, reward=usd(5), fee_basis_points=2000)

    made = assume(batch)

    assert bounds(made, "cost_minor") == (900, 900, 900)  # 50 tasks x 3 answers x 6 cents
    assert bounds(made, "answers_per_task") == (3, 3, 3)
    assert set(made.data["intervals"]) == ALL


def test_gold_costs_from_nothing_to_its_full_share():
    batch = drafted_batch(tasks=30, gold=4, overlap=3, gold_rate=0.25, reward=usd(10))

    low, mid, high = bounds(assume(batch), "cost_minor")

    assert (low, mid, high) == (
        30 * 3 * 12,
        40 * 3 * 12,
        publish.quote(batch, now=NOON).total.minor,
    )


def test_an_adaptive_batch_costs_between_its_minimum_and_its_cap():
    batch = drafted_batch(
        tasks=60, redundancy="adaptive", overlap_min=2, overlap_max=8, cap_minor=60 * 4 * 6
    )

    made = assume(batch)

    low, mid, high = bounds(made, "cost_minor")
    assert 60 * 2 * 6 <= low < mid <= high <= 60 * 4 * 6
    least, _, most = bounds(made, "answers_per_task")
    assert 2 <= least < most <= 4


def test_better_workers_give_better_answers():
    batch = drafted_batch(tasks=60, overlap=3)

    poor = bounds(assume(batch, accuracy=(0.55, 0.65)), "accuracy")
    good = bounds(assume(batch, accuracy=(0.9, 0.95)), "accuracy")

    assert good[0] > poor[0]
    assert good[1] > poor[1] + 0.1


def test_time_and_wage_follow_from_what_is_stated():
    batch = drafted_batch(tasks=100, overlap=3, reward=usd(5))

    made = assume(batch, seconds=(10.0, 40.0), workers_per_hour=2.0)

    # 300 answers of 20 seconds by two workers; 180 answers an hour at 5 cents.
    assert bounds(made, "hours")[1] == pytest.approx(300 * 20 / 2 / 3600, abs=1e-3)
    assert bounds(made, "hourly_wage_minor") == (450, 900, 1800)


def test_what_was_not_stated_is_said_to_be_taken_as_usual():
    batch = drafted_batch(tasks=5)

    made = assume(batch, seconds=(10.0, 40.0))

    assert made.data["assumptions"][-1] == (
        "Not stated, and so taken as usual: accuracy, workers per hour, answers per worker."
    )
    assert made.data["given"]["seconds"] == (10.0, 40.0)
    assert "5 workers are at work at any time." in made.data["assumptions"]


def test_free_text_has_a_certain_cost_and_no_accuracy():
    batch = drafted_batch(tasks=10, overlap=2, project=a_project(interface=TEXT))

    made = assume(batch)

    assert set(made.data["intervals"]) == ALL - {"accuracy", "closed"}
    assert set(made.data["unknown"]) == {"accuracy", "closed"}
    assert bounds(made, "cost_minor") == (120, 120, 120)


def test_adaptive_free_text_is_only_bounded():
    project = a_project(interface=TEXT)
    batch = drafted_batch(
        tasks=10, redundancy="adaptive", overlap=9, overlap_min=2, overlap_max=8, project=project
    )

    assert bounds(assume(batch), "answers_per_task") == (2, 4, 8)


def test_the_same_draft_has_the_same_forecast():
    batch = drafted_batch(tasks=50, overlap=3)

    assert assume(batch).data == assume(batch).data


def test_a_published_batch_is_not_forecast_from_assumptions():
    with pytest.raises(IllegalTransition, match="from a pilot"):
        assume(published_batch(tasks=2))


def test_an_empty_draft_is_not_forecast():
    batch = drafted_batch(tasks=0)

    with pytest.raises(EmptyBatch):
        assume(batch)
    with pytest.raises(EmptyBatch):
        from_pilot(batch)


@pytest.mark.parametrize("stated", [{"accuracy": (0.9, 0.6)}, {"seconds": (30.0, 30.0)}])
def test_an_empty_range_is_refused_and_nothing_is_kept(stated):
    with pytest.raises(InvalidAssumptions):
        assume(drafted_batch(tasks=2), **stated)

    assert not Forecast.objects.exists()


def test_a_forecast_leaves_an_event():
    batch = drafted_batch(tasks=2)
    owner = batch.project.requester

    made = foresee.from_assumptions(batch=batch, actor=owner, now=NOON)

    event = Event.objects.get(kind="batch_forecast")
    assert (event.subject_id, event.actor, event.at) == (batch.pk, owner, NOON)
    assert event.data == {"forecast": made.pk, "basis": "assumptions"}


# From a pilot.


def test_a_running_batch_is_forecast_from_its_own_first_answers():
    batch = a_pilot(tasks=80, gold=5, answers=140)

    made = from_pilot(batch)

    assert made.data["pilot"] == batch.pk
    assert set(made.data["intervals"]) == ALL
    assert bounds(made, "answers_per_task") == (3, 3, 3)
    low, mid, high = bounds(made, "cost_minor")
    assert 80 * 3 * 6 == low < mid <= high == batch.budget_minor
    # All answers take 20 seconds, one after the other.
    low, mid, high = bounds(made, "hours")
    assert 140 * 20 / 3600 < low < 267 * 20 / 3600 < high
    assert mid == pytest.approx(267 * 20 / 3600, rel=0.05)
    assert bounds(made, "hourly_wage_minor")[1] == 5 * 180


def test_a_draft_is_forecast_from_the_batch_before_it():
    pilot = a_pilot(tasks=40)
    draft = drafted_batch(tasks=200, overlap=3, reward=usd(8), project=pilot.project)

    made = from_pilot(draft)

    assert made.data["pilot"] == pilot.pk
    assert bounds(made, "cost_minor") == (200 * 3 * 10,) * 3
    assert "The pilot paid 0.05 USD, this batch pays 0.08 USD." in made.data["assumptions"]
    # 600 answers of 20 seconds.
    assert bounds(made, "hours")[1] == pytest.approx(600 * 20 / 3600, rel=0.05)


def test_an_adaptive_draft_is_corrected_by_what_an_adaptive_pilot_took():
    policy = {"redundancy": "adaptive", "overlap": 6, "overlap_min": 2, "overlap_max": 6}
    pilot = a_pilot(tasks=40, answers=0, **policy)
    Crowd(ability=0.8).finish(pilot)
    draft = drafted_batch(tasks=100, project=pilot.project, **policy)

    made = from_pilot(draft)

    assert (
        "The pilot was answered under another policy; the job's is only simulated."
        not in (made.data["assumptions"])
    )
    least, mid, most = bounds(made, "answers_per_task")
    assert 2 <= least < mid < most <= 6


def test_a_running_adaptive_batch_is_only_simulated():
    batch = a_pilot(
        tasks=60, answers=100, redundancy="adaptive", overlap=5, overlap_min=2, overlap_max=8
    )

    made = from_pilot(batch)

    assert (
        "The pilot was answered under another policy; the job's is only simulated."
        in (made.data["assumptions"])
    )
    assert bounds(made, "cost_minor")[2] <= batch.budget_minor


def test_too_small_a_pilot_says_how_many_answers_are_needed():
    batch = a_pilot(tasks=80, answers=60)

    with pytest.raises(PilotTooSmall, match=r"30 such tasks, which is 90 answers"):
        from_pilot(batch)


def test_a_draft_without_an_earlier_batch_of_its_version_has_no_pilot():
    submitted(published_batch(tasks=2))

    with pytest.raises(PilotTooSmall, match="publish a pilot of 30 tasks"):
        from_pilot(drafted_batch(tasks=2))


def test_a_batch_whose_tasks_are_all_answered_has_nothing_left_to_forecast():
    with pytest.raises(IllegalTransition, match="nothing is left"):
        from_pilot(a_pilot(tasks=40))


def test_a_closed_batch_is_not_forecast():
    batch = published_batch(tasks=1)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)

    with pytest.raises(IllegalTransition, match="closing"):
        from_pilot(fresh(batch))


# Scored at the end.


@pytest.fixture
def ended():
    """A batch that was forecast as a draft and while it ran, and has ended."""
    batch = drafted_batch(
        tasks=60, gold=4, overlap=3, gold_rate=0.1, max_live_assignments=100, reward=usd(5)
    )
    assume(batch, accuracy=(0.75, 0.92), seconds=(12.0, 35.0), workers_per_hour=1.0)
    give(batch, 2000)
    publish.publish(batch=batch, actor=batch.project.requester, now=NOON)
    crowd = Crowd()
    crowd.work(fresh(batch), 120)
    from_pilot(fresh(batch), now=crowd.now)
    return crowd.finish(batch)


def test_a_forecast_is_scored_when_its_batch_has_ended(ended):
    assert ended.status == Batch.Status.CLOSED

    assert foresee.score_due(now=NOON + HOUR) == 2

    for row in Forecast.objects.all():
        assert row.scored_at == NOON + HOUR
        assert row.actual["answers_per_task"] == 3
        assert row.actual["cost_minor"] == ended.spent
        assert row.actual["hourly_wage_minor"] == 900
        assert row.actual["accuracy_by"] == "confidence"  # four gold tasks are not enough
        assert row.actual["incomparable"] == ""
        assert set(row.covered) == ALL
        assert row.covered["cost_minor"]
        assert row.covered["hourly_wage_minor"]
    assert Event.objects.filter(kind="batch_forecast_scored").count() == 2


def test_with_enough_gold_accuracy_is_measured_on_it():
    batch = drafted_batch(tasks=60, gold=35, overlap=2, gold_rate=0.5, max_live_assignments=200)
    assume(batch)
    give(batch, 5000)
    publish.publish(batch=batch, actor=batch.project.requester, now=NOON)
    Crowd(ability=1.0).finish(fresh(batch))

    foresee.score_due(now=NOON + HOUR)

    actual = Forecast.objects.get().actual
    assert actual["accuracy_by"] == "gold"
    assert actual["accuracy"] > 0.98


def test_each_forecast_is_scored_once(ended):
    foresee.score_due(now=NOON + HOUR)

    assert foresee.score_due(now=NOON + 2 * HOUR) == 0
    assert set(Forecast.objects.values_list("scored_at", flat=True)) == {NOON + HOUR}


def test_what_was_certain_does_not_count_in_the_record(ended):
    foresee.score_due(now=NOON + HOUR)

    found = {(each.basis, each.quantity): each for each in foresee.site_record()}

    assert set(found) == {
        (basis, name) for basis in ("assumptions", "pilot") for name in ALL - {"answers_per_task"}
    }
    assert {each.forecasts for each in found.values()} == {1}
    assert found["pilot", "cost_minor"].held == 1
    assert found["pilot", "cost_minor"].share.estimate == pytest.approx(0.75)


def test_of_several_forecasts_of_a_batch_the_latest_counts(ended):
    row = Forecast.objects.get(basis="pilot")
    data = {**row.data, "intervals": {"hours": {"low": 90, "mid": 95, "high": 99}}}
    Forecast.objects.create(batch=ended, basis="pilot", data=data, made_at=NOON + 9 * HOUR)

    foresee.score_due(now=NOON + 9 * HOUR)

    found = [each for each in foresee.site_record() if each.basis == "pilot"]
    assert [(each.quantity, each.held, each.forecasts) for each in found] == [("hours", 0, 1)]


def test_a_batch_closed_early_is_measured_and_compared_with_nothing():
    batch = drafted_batch(tasks=10, overlap=2)
    assume(batch)
    give(batch, 200)
    publish.publish(batch=batch, actor=batch.project.requester, now=NOON)
    submitted(batch)
    publish.close(batch=fresh(batch), actor=batch.project.requester, now=NOON)
    conclude(batch, now=NOON + HOUR)

    foresee.score_due(now=NOON + HOUR)

    row = Forecast.objects.get()
    assert row.covered == {}
    assert row.actual["incomparable"] == "The batch was closed before its answers were in."
    assert row.actual["answers_per_task"] == 0.1
    assert foresee.site_record() == []


def test_a_batch_that_grew_is_not_what_was_forecast(ended):
    Forecast.objects.update(data={**Forecast.objects.first().data, "tasks": 50})

    foresee.score_due(now=NOON + HOUR)

    row = Forecast.objects.first()
    assert row.covered == {}
    assert row.actual["incomparable"] == ("The forecast was about 50 tasks, and the batch had 60.")


def test_a_running_batch_is_not_scored():
    batch = drafted_batch(tasks=1)
    assume(batch)
    give(batch, 200)
    publish.publish(batch=batch, actor=batch.project.requester, now=NOON)

    assert foresee.score_due(now=NOON + HOUR) == 0
    assert Forecast.objects.get().scored_at is None
