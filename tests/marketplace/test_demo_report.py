from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from marketplace.demo import report
from marketplace.demo.books import Pay, Promise
from marketplace.demo.digits import Scan
from marketplace.demo.findings import Accuracy, Dispute, Interval, Score, Standing
from marketplace.demo.plan import Plan
from marketplace.demo.play import Played
from marketplace.demo.requester import Published, Reviewed
from marketplace.demo.story import Outcome
from marketplace.simulation.crowd import Kind
from payments.audit import Totals
from tasks.provenance import Verdict
from tasks.quality import Suspect

GOOD = Standing(
    name="simulated-01",
    pseudonym="W0123456789",
    kind=Kind.GOOD,
    ability=0.95,
    score=Score(28, 30),
    skipped=1,
    expired=1,
    fit=Interval(0.92, 0.8, 0.98, 30),
    gold=Interval(0.75, 0.15, 1.0, 1),
    earned_minor=150,
    worked_seconds=7.5,
)
SPAMMER = replace(
    GOOD,
    name="simulated-02",
    pseudonym="W9876543210",
    kind=Kind.RANDOM_CLICKER,
    score=Score(6, 60),
    fit=Interval(0.12, 0.05, 0.22, 60),
    gold=None,
)
BATCH = {
    "id": 31,
    "project": 12,
    "tasks": 360,
    "reward": 5,
    "fee": 1,
    "currency": "USD",
    "money": {"budget": 7200, "spent": 6000, "reserved": 0},
    "reserve": {"brought": 1200, "left": 0, "each": 1},
    "progress": {"skipped": 25, "expired": 3},
}
ANSWERS = [{"status": "accepted", "reward": 5, "gold": number < 100} for number in range(1000)]
FORECAST = {
    "answers_per_task": {"low": 2.1, "mid": 2.6, "high": 3.0},
    "cost_minor": {"low": 5200, "mid": 6500, "high": 7200},
}
REPORT = {
    "closed": {
        "target": 0.95,
        "tasks": 360,
        "calibrated": True,
        "gold": {"digit": {"estimate": 0.97, "low": 0.88, "high": 1.0, "answers": 30}},
    },
    "elements": {
        "digit": {
            "calibration": {
                "gold_tasks": 40,
                "exponent": 0.8,
                "before": {"ece": 0.066},
                "after": {"ece": 0.0412},
            },
            "agreement": {"alpha": {"value": 0.61, "low": 0.5, "high": 0.7, "units": 330}},
        }
    },
}
QUOTE = {"tasks": 360, "gold": 40, "answers": 1200, "floor": 1200, "seconds": 15}
OUTCOME = Outcome(
    plan=Plan(),
    requester="requester",
    played=Played(
        published=Published(12, 31, {}, QUOTE, {"intervals": FORECAST}),
        batch=BATCH,
        results=[],
        answers=ANSWERS,
        workers=[],
        report=REPORT,
        reviewed=Reviewed(scans=20, corrected=6),
    ),
    dispute=Scan(name="digit-0001", digit="2", ink=bytes([16, 0] * 32)),
    accuracy=Accuracy(
        answers=Score(860, 1140),
        majority=Score(322, 360),
        consensus=Score(345, 360),
        closed=Score(330, 340),
        method="online",
        confidence=0.961,
        dispute=Dispute("digit-0001", "2", "7", 0.4, [("7", 2), ("2", 1)]),
    ),
    standings=[GOOD, SPAMMER],
    suspects={"simulated-02": Suspect(2, 0.12, 0.22, 0.92)},
    promises=[Promise("the ledger balances, account by account", [])],
    pay=Pay(seconds=17, topped_up_minor=1000),
    verdict=Verdict(batch=31, is_complete=True, links=360, verified=360, head=bytes([171] * 32)),
    totals=[Totals("USD", 7200, 0, 5000, 1000, 0)],
    cpu={"web": 11.3, "PostgreSQL": 6.2, "clock": 1.0},
    seconds=61.4,
    url="",
)


def text_of(outcome: Outcome = OUTCOME, **console) -> str:
    file = StringIO()
    report.show(outcome, Console(file=file, width=100, **console))
    return file.getvalue()


def test_the_report_fits_into_a_hundred_columns_and_two_screens():
    lines = text_of().splitlines()

    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line != line.rstrip()] == []
    assert len(lines) + 40 <= 120


def test_a_file_gets_plain_text_and_a_terminal_colours():
    assert "\x1b" not in text_of()
    assert "\x1b" in text_of(force_terminal=True)


@pytest.mark.parametrize(
    "said",
    [
        "Batch 31 of project 12",
        "360 real scans",
        "40 more as gold (10%)",
        "on the budget of 3 each",
        "simulated crowd of 40",
        "25 tasks were skipped, and 3 expired",
        "75.4%  280 of 1,140 wrong",
        "89.4%  38 of 360 wrong",
        "95.8%  15 of 360 wrong",
        "The online model says 7; it is 2.",
        "are to hold in 80% of cases",
        "answers per scan    2.10    3.00       2.50        3.00",
        "cost in USD   52.00   72.00      60.00       72.00",
        "12.00 USD of the budget went back, 17% less than the same scans with 3 answers each",
        "1,000 answers were accepted, 100 of them to gold",
        "The wage floor was 12.00 USD an hour",
        "at most 15 s an answer",
        "By the server's clock an answer took 17 s",
        "12.00 USD were set aside for top-ups; 10.00 USD were needed",
        "340 of 360 scans reached the calibrated confidence of 95%. 330 of them are right: 97.1%.",
        "By its gold alone the site says 97.0% (88.0% to 100.0%)",
        "96.1% confident on average, and 95.8% right",
        "40 gold tasks were answered",
        "(ECE) was 0.066 before, and is 0.041 after calibration (exponent 0.80)",
        "Krippendorff's alpha 0.61 (0.50 to 0.70), over the 330 scans with two answers or more",
        "corrected 6 of the 20 that stayed uncertain: 97.5%",
        "360 labels verified, head " + "ab" * 32,
        "01     W0123456789 good           30  0.93 0.92 0.80-0.98 0.75 0.15-1.00   1.50    18.00",
        "1 of 1 planted spammers were found, and nobody else was suspected",
        "simulated-02 (at random): estimated to be right 12% of the time",
        "72.00    50.00   10.00       0.00            0.00",
        "✓ the ledger balances, account by account",
        "18.5 s of at most 120",
        "web 11.3   PostgreSQL 6.2   clock 1.0",
        "make up",
        "GET /api/v1/batches/31/results",
    ],
)
def test_the_report_says(said):
    assert " ".join(said.split()) in " ".join(text_of().split())


def test_a_spammer_nobody_found_is_missed():
    text = text_of(replace(OUTCOME, suspects={}))

    assert "0 of 1 planted spammers were found" in text
    assert "simulated-02 (at random) was missed: estimated 0.12 0.05-0.22" in text


def test_somebody_else_who_is_suspected_is_named():
    text = text_of(replace(OUTCOME, suspects={"simulated-01": Suspect(1, 0.3, 0.4, 0.9)}))

    assert "0 of 1 planted spammers were found, and 1 of the others was suspected" in text
    assert "simulated-01 (good): estimated to be right 30%" in text


def test_a_broken_promise_is_shown_with_what_breaks_it():
    broken = replace(OUTCOME, promises=[Promise("every scan has 3 answers", ["digit-0001 has 2"])])

    assert OUTCOME.holds
    assert not broken.holds
    assert "✗ BROKEN: every scan has 3 answers\n    digit-0001 has 2" in text_of(broken)


def test_a_site_that_runs_on_is_named():
    assert "http://127.0.0.1:8000/" in text_of(replace(OUTCOME, url="http://127.0.0.1:8000/"))


def test_an_outcome_without_answers_can_be_told_too():
    nothing = replace(OUTCOME, played=replace(OUTCOME.played, answers=[]), standings=[], totals=[])

    assert "0 answers were accepted, 0 of them to gold" in " ".join(text_of(nothing).split())


def test_confidence_that_gold_could_not_check_is_called_uncalibrated():
    agreement = {"alpha": {"value": None, "low": None, "high": None, "units": 0}}
    digit = {**REPORT["elements"]["digit"], "agreement": agreement}
    closed = {**REPORT["closed"], "calibrated": False}
    unchecked = replace(OUTCOME.played, report={"closed": closed, "elements": {"digit": digit}})

    text = " ".join(text_of(replace(OUTCOME, played=unchecked)).split())

    assert "reached the uncalibrated confidence of 95%" in text
    assert "Krippendorff's alpha - (- to -)" in text


def test_where_no_floor_is_in_force_none_was_promised():
    published = replace(OUTCOME.played.published, quote={**QUOTE, "floor": None})
    played = replace(OUTCOME.played, published=published)

    assert "No wage floor was in force in USD" in text_of(replace(OUTCOME, played=played))
