from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from marketplace.demo import report
from marketplace.demo.books import Promise
from marketplace.demo.digits import Scan
from marketplace.demo.findings import Accuracy, Dispute, Interval, Score, Standing
from marketplace.demo.plan import Plan
from marketplace.demo.play import Played
from marketplace.demo.requester import Published
from marketplace.demo.story import Outcome
from marketplace.simulation.crowd import Kind
from payments.audit import Totals
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
    "tasks": 380,
    "reward": 5,
    "fee": 1,
    "currency": "USD",
    "money": {"budget": 7200, "spent": 7176, "reserved": 0},
    "progress": {"skipped": 25, "expired": 3},
}
ANSWERS = [{"status": "accepted", "reward": 5, "gold": number < 56} for number in range(1196)]
OUTCOME = Outcome(
    plan=Plan(),
    requester="requester",
    played=Played(
        published=Published(12, 31, {}, {"tasks": 380, "gold": 20, "answers": 1200}),
        batch=BATCH,
        results=[],
        answers=ANSWERS,
        workers=[],
    ),
    dispute=Scan(name="digit-0001", digit="2", ink=bytes([16, 0] * 32)),
    accuracy=Accuracy(
        answers=Score(860, 1140),
        majority=Score(340, 380),
        consensus=Score(361, 380),
        method="one_coin_dawid_skene",
        confidence=0.961,
        dispute=Dispute("digit-0001", "2", "7", 0.4, [("7", 2), ("2", 1)]),
    ),
    standings=[GOOD, SPAMMER],
    suspects={"simulated-02": Suspect(2, 0.12, 0.22, 0.92)},
    promises=[Promise("the ledger balances, account by account", [])],
    totals=[Totals("USD", 7200, 0, 5980, 1196, 0)],
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
        "380 real scans",
        "20 more as gold (5%)",
        "simulated crowd of 40",
        "25 tasks were skipped, and 3 expired",
        "75.4%  280 of 1,140 wrong",
        "89.5%  40 of 380 wrong",
        "95.0%  19 of 380 wrong",
        "Dawid-Skene says 7; it is 2.",
        "3.00 per scan, and 56 to gold",
        "59.80   11.96   71.76       0.24    72.00",
        "0.1574   0.0315   0.1888     0.0006   0.1895",
        "01     W0123456789 good           30  0.93 0.92 0.80-0.98 0.75 0.15-1.00   1.50    18.00",
        "1 of 1 planted spammers were found, and nobody else was suspected",
        "simulated-02 (at random): estimated to be right 12% of the time",
        "72.00    59.80   11.96       0.00            0.00",
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

    assert "0 accepted answers" in " ".join(text_of(nothing).split())
