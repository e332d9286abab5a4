from __future__ import annotations

import json

import pytest

from tasks import aggregate, answer, distribute
from tasks.models import Assignment, Consensus, Report
from tasks.rows import Row
from tests.factories import (
    NOON,
    a_project,
    a_worker,
    always_gold,
    never_gold,
    published_batch,
    refuse,
)
from tests.tasks.combining import LATER

pytestmark = pytest.mark.django_db
LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}


def work(batch, workers, says, *, golden=False):
    """Let each worker answer all they are given; ``says(input, worker's number)``."""
    for number, worker in enumerate(workers):
        while True:
            handout = distribute.claim(
                batch_id=batch.pk,
                worker=worker,
                count=20,
                now=NOON,
                draw=always_gold if golden else never_gold,
            )
            if not handout.assignments:
                break
            for given in handout.assignments:
                answer.submit(
                    assignment_id=given.id,
                    worker=worker,
                    answer=says(given.input, number),
                    now=NOON,
                )


def report(batch):
    aggregate.aggregate(batch=batch, now=LATER)
    return Report.objects.get(batch=batch).data


def golden(count, **shown):
    return [Row(input=json.dumps({"n": n, **shown}), gold='{"label": "cat"}') for n in range(count)]


def plain(count):
    return [Row(input=json.dumps({"n": 1000 + n})) for n in range(count)]


def test_without_gold_confidence_is_shown_as_the_methods_own():
    batch = published_batch(tasks=3, overlap=2)
    work(batch, [a_worker(), a_worker()], lambda *_: "cat")

    said = report(batch)

    assert said["closed"]["calibrated"] is False
    assert "uncalibrated level of 95%" in said["closed"]["sentence"]
    assert said["elements"]["label"]["why"].startswith("0 gold tasks")
    assert not Consensus.objects.filter(is_calibrated=True).exists()


def test_twenty_gold_tasks_calibrate_what_is_claimed():
    # The crowd is sure, and wrong on four gold tasks of ten.
    rows = [*plain(20), *golden(30)]
    batch = published_batch(tasks=rows, overlap=3, gold_rate=0.5)
    workers = [a_worker() for _ in range(3)]

    work(batch, workers, lambda shown, _: "dog" if shown["n"] % 5 < 2 else "cat", golden=True)
    said = report(batch)["elements"]["label"]

    assert said["calibrated"] is True
    assert said["calibration"]["gold_tasks"] == 30
    before, after = said["calibration"]["before"], said["calibration"]["after"]
    assert before["overconfidence"] > 0.3
    assert after["overconfidence"] < 0.75 * before["overconfidence"]
    assert said["gold_accuracy"]["estimate"] == pytest.approx(0.6, abs=0.02)
    for found in Consensus.objects.filter(task__batch=batch):
        assert found.is_calibrated
        assert found.confidence < found.raw_confidence


def test_the_report_says_how_many_tasks_are_closed_and_how_many_wait():
    batch = published_batch(tasks=4, overlap=1, aggregation="majority_vote", target=0.9)
    one = a_worker()
    handout = distribute.claim(batch_id=batch.pk, worker=one, count=2, now=NOON, draw=never_gold)
    for given in handout.assignments:
        answer.submit(assignment_id=given.id, worker=one, answer="cat", now=NOON)

    closed = report(batch)["closed"]

    assert (closed["closed"], closed["uncertain"], closed["waiting"]) == (2, 0, 2)
    assert closed["sentence"].startswith("50% of the tasks are closed")


def test_agreement_goes_by_pseudonyms():
    batch = published_batch(tasks=12, overlap=3)
    workers = [a_worker() for _ in range(3)]
    work(batch, workers, lambda shown, number: "cat" if number < 2 else "dog")

    agreement = report(batch)["elements"]["label"]["agreement"]

    assert agreement["alpha"]["distance"] == "nominal"
    names = set(batch.cursors.values_list("pseudonym", flat=True))
    pairs = [*agreement["best_pairs"], *agreement["worst_pairs"]]
    assert len(pairs) == 3
    assert {pair[side] for pair in pairs for side in "ab"} <= names


def test_a_guideline_that_careful_workers_read_differently_is_named():
    batch = published_batch(tasks=60, overlap=4, max_live_assignments=100)
    workers = [a_worker() for _ in range(4)]

    def says(shown, number):
        return "cat" if (int(shown["image"].removesuffix(".png")) + number) % 2 else "dog"

    work(batch, workers, says)

    warning = report(batch)["elements"]["label"]["guideline"]
    assert warning is not None
    assert "cat" in warning["sentence"]


def test_what_is_compared_often_enough_is_ranked():
    interface = [{"type": "pairwise", "name": "better", "left": "${a}", "right": "${b}"}]
    items = ["one", "two", "three", "four"]
    pairs = [(a, b) for a in items for b in items if a < b]
    rows = [Row(input=json.dumps({"a": a, "b": b})) for a, b in pairs]
    batch = published_batch(
        tasks=rows, overlap=3, project=a_project(interface=interface), max_live_assignments=50
    )

    def says(shown, _):
        return "left" if items.index(shown["a"]) < items.index(shown["b"]) else "right"

    work(batch, [a_worker() for _ in range(3)], says)

    ranking = report(batch)["elements"]["better"]["ranking"]
    assert [each["item"] for each in ranking["items"]] == items


def test_what_auto_stands_for_is_kept_until_there_are_many_more_answers():
    batch = published_batch(tasks=4, overlap=3)
    workers = [a_worker() for _ in range(3)]
    work(batch, workers[:2], lambda *_: "cat")
    first = report(batch)["picked"]["label"]
    work(batch, workers[2:], lambda *_: "cat")
    Assignment.objects.update(aggregated_at=None)
    second = report(batch)["picked"]["label"]

    assert (first["answers"], second["answers"]) == (8, 12)
    assert first["method"] == "online"


def test_a_review_stands_whatever_is_answered_after_it():
    batch = published_batch(tasks=1, overlap=2)
    one, two = a_worker(), a_worker()
    work(batch, [one], lambda *_: "cat")
    report(batch)
    Consensus.objects.update(source="review", value="dog", confidence=1)
    work(batch, [two], lambda *_: "cat")

    report(batch)

    assert Consensus.objects.get().value == "dog"
    refused = Assignment.objects.select_related("batch__project").get(worker=two)
    refuse(assignment=refused, actor=batch.project.requester, now=LATER)
    assert Consensus.objects.get().value == "dog"


@pytest.mark.parametrize(
    ("element", "answers", "expected"),
    [
        ({"type": "rating", "name": "q"}, [3, 4, 4], 4),
        ({"type": "number", "name": "q"}, [10, 11, 500], pytest.approx(11, abs=1)),
        (
            {"type": "spans", "name": "q", "of": "${text}", "labels": ["PER"]},
            [[{"label": "PER", "start": 0, "end": 4}]] * 2 + [[]],
            [{"label": "PER", "start": 0, "end": 4}],
        ),
        (
            {"type": "boxes", "name": "q", "of": "${text}", "labels": ["car"]},
            [[{"label": "car", "x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2}]] * 3,
            [{"label": "car", "x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2}],
        ),
        (
            {"type": "ranking", "name": "q", "items": ["a", "b", "c"]},
            [["a", "b", "c"], ["a", "b", "c"], ["c", "b", "a"]],
            ["a", "b", "c"],
        ),
        (
            {"type": "choice", "name": "q", "options": ["a", "b"], "multiple": True},
            [["a"], ["a", "b"], ["a"]],
            ["a"],
        ),
        (
            {"type": "audio_regions", "name": "q", "of": "${text}", "labels": ["speech"]},
            [[{"label": "speech", "start": 1, "end": 2}]] * 3,
            [{"label": "speech", "start": 1, "end": 2}],
        ),
        (
            {"type": "masks", "name": "q", "of": "${text}", "labels": ["road"]},
            [[{"label": "road", "size": [2, 2], "counts": [1, 2, 1]}]] * 3,
            [{"label": "road", "size": [2, 2], "counts": [1, 2, 1]}],
        ),
        (
            {"type": "keypoints", "name": "q", "of": "${text}", "labels": ["nose"]},
            [[{"label": "nose", "x": 0.5, "y": 0.5}]] * 3,
            [{"label": "nose", "x": 0.5, "y": 0.5}],
        ),
        (
            {"type": "polygons", "name": "q", "of": "${text}", "labels": ["field"]},
            [[{"label": "field", "points": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}]] * 3,
            [{"label": "field", "points": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}],
        ),
        ({"type": "text", "name": "q"}, ["Hello", "hello", "bye"], "Hello"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_every_kind_of_answer_comes_to_a_consensus(element, answers, expected):
    batch = published_batch(
        tasks=[Row(input='{"text": "Anna met Bob."}')],
        overlap=3,
        project=a_project(interface=[element]),
    )
    work(batch, [a_worker() for _ in range(3)], lambda _, number: answers[number])

    said = report(batch)["elements"]["q"]

    found = Consensus.objects.get(task__batch=batch)
    assert found.value == expected
    assert 0 < found.confidence <= 1
    assert said["agreement"]["answers"] == 3


def test_a_review_that_is_decided_while_answers_are_combined_stands(monkeypatch):
    batch = published_batch(tasks=1, overlap=1, aggregation="majority_vote")
    work(batch, [a_worker()], lambda *_: "cat")
    report(batch)
    combined = aggregate.combine

    def combine_slowly(*args, **kwargs):
        found = combined(*args, **kwargs)
        Consensus.objects.update(source="review", value="dog")
        return found

    monkeypatch.setattr(aggregate, "combine", combine_slowly)
    report(batch)

    assert Consensus.objects.get().value == "dog"
