"""The public report: figures that were computed by hand, and none of fewer than ten people."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import accounts, ledger
from payments.models import Dispute, Funding, Transfer, WageFloor
from tasks.disclosure import report
from tasks.disclosure.quarters import Quarter
from tasks.models import Appeal, Assignment, Batch, Rejection, TopUp
from tests.factories import (
    MINUTE,
    NOON,
    a_requester,
    a_user,
    floor,
    published_batch,
    submitted,
    usd,
)
from tests.tasks.disclosure.working import answered, workers_of
from workers import events
from workers.models import Decision, Event

pytestmark = pytest.mark.django_db
FIRST = Quarter(2026, 1)


def cells(section, quarter=FIRST):
    """Group → people and figures, of the section's only currency."""
    found = [cell for cell in report.report(quarter) if cell.section == section]
    return {cell.group: (cell.people, cell.figures) for cell in found}


def hidden(section):
    return {cell.group for cell in report.report(FIRST) if cell.section == section
            if cell.suppressed}  # fmt: skip


def work_from(**countries):
    """One paid answer of 60 seconds and 5 cents by each of so many workers of each country."""
    batch = published_batch(tasks=sum(countries.values()))
    for country, count in countries.items():
        for worker in workers_of(country, count):
            answered(batch, worker)
    return batch


def test_pay_per_hour_by_region_with_the_total_of_each_currency():
    batch = published_batch(tasks=22, reward=usd(10))
    for number, worker in enumerate(workers_of("DE", 11)):
        answered(batch, worker, seconds=60 * (number + 1))
    for worker in workers_of("KE", 11):
        answered(batch, worker, seconds=3600)

    found = cells("pay")

    # Of 11 the median is the sixth, the 10 % quantile the second slowest: 600 / minutes per hour.
    germans = {"hours": 1.1, "hourly_median_minor": 100, "hourly_p10_minor": 60}
    assert found["DE"] == (11, germans)
    assert found["KE"][1] == {"hours": 11.0, "hourly_median_minor": 10, "hourly_p10_minor": 10}
    assert found["all"][0] == 22
    assert found["all"][1]["hours"] == 12.1


def test_a_region_of_nine_is_suppressed_and_so_is_one_more():
    work_from(DE=9, KE=12, US=15)

    assert hidden("pay") == {"DE", "KE"}
    found = cells("pay")
    assert found["DE"] == found["KE"] == (None, {})
    assert (found["US"][0], found["all"][0]) == (15, 36)


def test_no_suppressed_region_can_be_computed_from_the_total():
    work_from(DE=3, KE=4, US=15, FR=20)

    found = cells("pay")

    rest = found["all"][0] - sum(people or 0 for group, (people, _) in found.items()
                                 if group != "all")  # fmt: skip
    assert rest >= 10
    assert sum(people is None for people, _ in found.values()) >= 2


def test_a_currency_of_nine_workers_has_no_figures_at_all():
    work_from(DE=4, KE=5)

    assert hidden("pay") == {"DE", "KE", "all"}
    assert hidden("fees") == hidden("time_to_pay") == {"all"}


def test_workers_without_a_country_are_a_region_of_their_own():
    work_from(**{"": 12})

    assert set(cells("pay")) == {"unknown", "all"}


def test_only_the_quarter_counts():
    batch = published_batch(tasks=20)
    for worker in workers_of("DE", 10):
        answered(batch, worker, at=FIRST.end)

    assert cells("pay") == {}
    assert set(cells("pay", FIRST.following)) == {"DE", "all"}


def top_up(batch, worker, rule="job", reserve=0, guarantee=0):
    TopUp.objects.create(
        batch=batch, worker=worker, rule=rule, number=1, reserve_minor=reserve,
        guarantee_minor=guarantee, inputs={}, made_at=NOON,
    )  # fmt: skip


def test_the_share_at_the_floor_before_and_after_top_ups():
    batch = published_batch(tasks=10, reward=usd(10))
    Batch.objects.filter(pk=batch.pk).update(floor_minor=1200)
    workers = workers_of("DE", 10)
    for number, worker in enumerate(workers):
        # 12.00 an hour is 10 cents in 30 seconds; four took twice as long, 20 cents.
        answered(batch, worker, seconds=60 if number < 4 else 30)
    for worker in workers[:3]:
        top_up(batch, worker, reserve=10)
    top_up(batch, workers[3], reserve=9)
    Batch.objects.filter(pk=batch.pk).update(status="closed", closed_at=NOON)

    shares = {"share_before_top_ups": 0.6, "share_after_top_ups": 0.9}
    assert cells("floor") == {"all": (10, shares)}


def test_top_ups_by_payer_and_paid_returns():
    batch = work_from(DE=12)
    for number, worker in enumerate(
        worker for a in batch.assignments.all() for worker in [a.worker]
    ):
        top_up(batch, worker, reserve=3, guarantee=1 if number < 10 else 0)
        top_up(batch, worker, rule="return", reserve=2)

    assert cells("top_ups") == {
        "reserve": (12, {"top_ups": 24, "amount_minor": 60}),
        "guarantee": (10, {"top_ups": 10, "amount_minor": 10}),
    }
    assert cells("returns") == {"paid": (12, {"payments": 12, "amount_minor": 24})}


def refused(batch, worker, status, outcome=""):
    made, requester = submitted(batch, worker=worker), batch.project.requester
    words = "The animal is a dog, as the ears clearly show."
    Assignment.objects.filter(pk=made.pk).update(
        status="rejected", finished_at=NOON, decided_by=requester, reason=words
    )
    record = Decision.objects.create(
        kind="refuse_pay", subject_kind="assignment", subject_id=made.pk, made_at=NOON,
        concerns=worker.user, made_by=requester, reasons=words, effective_at=NOON,
    )  # fmt: skip
    rejection = Rejection.objects.create(
        assignment=made, code="wrong_or_empty", reason=words, instruction="Look.", status=status,
        made_by=requester, made_at=NOON, decision=record,
        final_at=None if status == "open" else NOON,
    )  # fmt: skip
    if outcome:
        Appeal.objects.create(
            rejection=rejection, status="decided", made_at=NOON, jury_until=NOON, due_at=NOON,
            outcome=outcome, answer="Because.", decided_at=NOON,
        )  # fmt: skip


def test_rejections_and_appeals_by_outcome():
    batch = published_batch(tasks=40)
    for worker in workers_of("DE", 10):
        refused(batch, worker, "final", "upheld")
        refused(batch, worker, "overturned", "overturned")
        refused(batch, worker, "open")

    assert cells("rejections") == {
        "final": (10, {"rejections": 10}),
        "overturned": (10, {"rejections": 10}),
        "pending": (10, {"rejections": 10}),
        "all": (10, {"rejections": 30}),
    }
    assert cells("appeals")["all"] == (10, {"appeals": 20})


def test_few_rejections_of_one_outcome_hide_another_so_that_none_is_computed():
    batch = published_batch(tasks=40)
    workers = workers_of("DE", 12)
    for worker in workers:
        refused(batch, worker, "final")
    refused(batch, workers[0], "open")

    assert hidden("rejections") == {"final", "pending"}
    assert cells("rejections")["all"] == (12, {"rejections": 13})


def test_time_to_pay_and_fees():
    work_from(DE=10)

    assert cells("time_to_pay") == {
        "all": (10, {"answers": 10, "p50_seconds": 3540, "p95_seconds": 3540})
    }
    assert cells("fees") == {"all": (10, {"fees_minor": 10, "rewards_minor": 50})}


@pytest.mark.parametrize(("count", "shown"), [(9, (None, {})), (10, (10, {"decisions": 10}))])
def test_suspensions_are_told_from_ten_people_on(count, shown):
    for _ in range(count):
        Decision.objects.create(
            kind="suspend", subject_kind="worker", subject_id=1, concerns=a_user(), reasons="r",
            made_by=a_user(), made_at=NOON, effective_at=NOON,
        )  # fmt: skip

    assert cells("decisions") == {"suspend": shown}


def test_floor_changes_and_lost_disputes():
    floor(1300, approved_at=NOON)
    WageFloor.objects.create(
        jurisdiction="DE",
        currency="EUR",
        per_hour_minor=1460,
        valid_from=date(2027, 1, 1),
        source="law",
        checked_on=date(2026, 1, 1),
        proposed_at=NOON,
    )  # fmt: skip - not approved
    requester = a_requester(usd(100))
    paid = Funding.objects.create(
        owner=requester, amount_minor=100, currency="USD", status="paid", created_at=NOON,
        paid_at=NOON,
    )  # fmt: skip
    for number, (status, closed) in enumerate([("lost", NOON), ("open", None)]):
        Dispute.objects.create(
            funding=paid, dispute_id=f"dp_{number}", amount_minor=60, status=status,
            opened_at=NOON - timedelta(days=100 * number), closed_at=closed,
        )  # fmt: skip
    ledger.post(
        ledger.Posting(
            key="loss", kind=Transfer.Kind.WRITE_OFF, amount=usd(60),
            source_id=accounts.dispute_losses("USD").pk,
            target_id=accounts.receivable(requester.pk, "USD").pk,
        ),
        now=NOON,
    )  # fmt: skip

    assert cells("floor_changes") == {"platform from 2020-01-01": (None, {"per_hour_minor": 1300})}
    assert cells("disputes") == {"all": (None, {"opened": 1, "lost": 1, "absorbed_minor": 60})}


def test_a_report_costs_one_statement_per_section_however_much_work_there_was():
    work_from(DE=12)

    with CaptureQueriesContext(connection) as made:
        report.report(FIRST)

    assert len(made) == len(report.SECTIONS)


def test_a_quarter_before_any_batch_has_no_report():
    assert not report.has_work(FIRST)
    published_batch(tasks=1)
    assert report.has_work(FIRST)
    assert not report.has_work(Quarter(2025, 4))


def test_a_report_is_published_thirty_days_after_its_quarter_once_and_for_good():
    work_from(DE=12)

    assert report.publish_due(now=FIRST.published_at - MINUTE) == 0
    assert report.publish_due(now=FIRST.published_at) == 1
    told = report.published_report(FIRST)
    TopUp.objects.all().delete()
    Assignment.objects.update(worked_seconds=1)

    assert report.publish_due(now=FIRST.published_at + MINUTE) == 0
    assert report.published_report(FIRST) == report.published_report() == told
    assert told["quarter"] == "2026Q1"


def test_reports_that_were_missed_are_made_up_for_from_the_first_work_on():
    work_from(DE=12)

    assert report.publish_due(now=Quarter(2026, 3).published_at) == 3
    assert report.published_report()["quarter"] == "2026Q3"
    assert report.published_report(Quarter(2025, 4)) is None


def test_of_two_runs_that_publish_at_once_the_first_is_the_report():
    work_from(DE=12)
    report.publish_due(now=FIRST.published_at)
    first = Event.objects.get(kind=report.PUBLISHED)
    events.record(
        kind=report.PUBLISHED, subject_kind="quarter", subject_id=first.subject_id, actor=None,
        at=NOON, data={"quarter": "another"},
    )  # fmt: skip

    assert report.published_report() == report.published_report(FIRST) == first.data
