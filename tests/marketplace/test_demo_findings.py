from __future__ import annotations

import pytest

from marketplace.demo import findings
from marketplace.demo.findings import Interval, Score
from marketplace.simulation.crowd import Kind, SimulatedWorker

TRUTH = {"one": "1", "two": "2", "gold": "9"}


def result(task: int, name: str, consensus: str, *, confidence: float = 0.9, answers: int = 3):
    return {
        "task": task,
        "external_id": name,
        "consensus": {"digit": consensus},
        "confidence": {"digit": confidence},
        "method": {"digit": "online"},
        "answers": answers,
        "status": "closed" if confidence >= 0.8 else "uncertain",
    }


def given(task: int, name: str, worker: str, digit: str, **more):
    return {
        "task": task,
        "external_id": name,
        "worker": worker,
        "answer": {"digit": digit},
        "gold": False,
        "status": "accepted",
        "reward": 5,
        "claimed_at": "2026-01-01T12:00:00+00:00",
        "submitted_at": "2026-01-01T12:00:04.5+00:00",
        **more,
    }


RESULTS = [result(1, "one", "1"), result(2, "two", "2", confidence=0.7)]
ANSWERS = [
    given(1, "one", "WA", "1"),
    given(1, "one", "WB", "1"),
    given(1, "one", "WC", "7"),
    given(2, "two", "WA", "2"),
    given(2, "two", "WB", "3"),
    given(2, "two", "WC", "3"),
    given(3, "gold", "WA", "9", gold=True),
]


def accuracy(results=RESULTS, answers=ANSWERS):
    return findings.accuracy(results=results, answers=answers, truth=TRUTH, question="digit")


def test_answers_majority_and_consensus_are_compared_with_the_truth():
    found = accuracy()

    assert found.answers == Score(3, 6)
    assert found.majority == Score(1, 2)
    assert found.consensus == Score(2, 2)
    assert found.closed == Score(1, 1)
    assert found.method == "online"
    assert found.confidence == pytest.approx(0.8)


def test_rejected_answers_do_not_count():
    answers = [*ANSWERS, given(2, "two", "WD", "3", status="rejected")]

    assert accuracy(answers=answers).answers == Score(3, 6)


def test_a_scan_without_consensus_is_wrong():
    nothing = {
        **result(2, "two", "-", confidence=0.0), "consensus": {}, "confidence": {}, "method": {}
    }  # fmt: skip

    found = accuracy(results=[RESULTS[0], nothing])

    assert found.consensus == Score(1, 2)
    assert found.dispute.consensus == "none"


def test_the_most_disputed_scan_is_the_one_with_the_fewest_votes_for_its_winner():
    answers = [*ANSWERS[:3], *(given(2, "two", f"W{n}", str(n)) for n in range(3))]

    dispute = accuracy(answers=answers).dispute

    assert (dispute.name, dispute.truth, dispute.consensus) == ("two", "2", "2")
    assert dispute.votes == [("0", 1), ("1", 1), ("2", 1)]


def test_a_workers_time_runs_from_claim_or_from_the_answer_before():
    answers = [
        {"claimed_at": "2026-01-01T12:00:00+00:00", "submitted_at": "2026-01-01T12:00:05+00:00"},
        {"claimed_at": "2026-01-01T12:00:00+00:00", "submitted_at": "2026-01-01T12:00:08.5+00:00"},
        {"claimed_at": "2026-01-01T12:01:00+00:00", "submitted_at": "2026-01-01T12:01:01+00:00"},
    ]

    assert findings.worked_seconds(answers[::-1]) == pytest.approx(9.5)
    assert findings.worked_seconds([]) == 0


def standings(skill=None):
    names = {"WA": "simulated-01", "WB": "simulated-02", "WC": "simulated-03"}
    crowd = [
        SimulatedWorker(name=name, kind=Kind.GOOD, ability=0.9, seed=1) for name in names.values()
    ]
    estimates = {"WA": 0.7, "WB": 0.9, "WC": 0.8}
    workers = [
        {
            "worker": pseudonym,
            "skipped": 1,
            "expired": 2,
            "skill": {
                "fit": {"estimate": estimates[pseudonym], "low": 0.5, "high": 1, "answers": 2}
            },
        }
        for pseudonym in names
    ]
    return findings.standings(
        crowd=crowd,
        pseudonyms=names,
        workers=workers,
        answers=ANSWERS,
        truth=TRUTH,
        question="digit",
    )  # fmt: skip


def test_workers_stand_in_the_order_of_their_estimates():
    assert [each.name for each in standings()] == ["simulated-02", "simulated-03", "simulated-01"]


def test_a_worker_is_scored_on_all_their_answers_gold_included():
    first = standings()[-1]

    assert first.score == Score(3, 3)
    assert (first.earned_minor, first.skipped, first.expired) == (15, 1, 2)
    assert (first.fit, first.gold) == (Interval(0.7, 0.5, 1, 2), None)
    assert first.worked_seconds == pytest.approx(4.5)


def test_an_hour_is_paid_at_the_pace_of_people():
    first = standings()[-1]

    # 15 cents in 4.5 seconds of a crowd ten times faster than people: in 45 seconds of theirs.
    assert first.hourly_minor(10) == pytest.approx(1200)


def test_downloads_that_agree_break_no_promise():
    broken = findings.contradictions(results=RESULTS, answers=ANSWERS, most=3)

    assert [each for each in broken.values() if each] == []
    assert findings.is_complete(RESULTS, ANSWERS)


def test_what_the_downloads_lack_is_named():
    fewer = ANSWERS[3:]

    broken = findings.contradictions(results=RESULTS, answers=fewer, most=2)

    assert broken == {
        "every scan has an answer, and none more than 2": ["one has 0", "two has 3"],
        "nobody answered a scan twice": [],
        "every consensus rests on all answers": ["one on 3 of 0"],
    }
    assert not findings.is_complete(RESULTS, fewer)


def test_an_answer_given_twice_is_named():
    broken = findings.contradictions(results=RESULTS, answers=[*ANSWERS, ANSWERS[-1]], most=3)

    assert broken["nobody answered a scan twice"] == ["WA answered task 3 2 times"]


def test_a_forecast_stands_beside_what_came_out():
    answers_per_task = {"low": 2.0, "mid": 2.5, "high": 3.0}
    cost = {"low": 20, "mid": 30, "high": 36}
    intervals = {"answers_per_task": answers_per_task, "cost_minor": cost, "accuracy": {}}

    found = findings.foretold(
        forecast={"intervals": intervals},
        batch={"tasks": 2, "money": {"spent": 35}},
        answers=[*ANSWERS, given(2, "two", "WD", "3", status="rejected")],
    )

    # Six answers to two scans: neither gold nor what was rejected counts.
    assert found == {"answers_per_task": (answers_per_task, 3.0), "cost_minor": (cost, 35)}
