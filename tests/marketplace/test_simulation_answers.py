from __future__ import annotations

import pytest

from marketplace.simulation.answers import fill_in, nobody_knows
from marketplace.simulation.crowd import Kind, SimulatedWorker
from tasks.interface import Checker, parse

SURE = SimulatedWorker(name="simulated-01", kind=Kind.GOOD, ability=1.0, seed=1)
WRONG = SimulatedWorker(name="simulated-02", kind=Kind.CARELESS, ability=0.0, seed=1)
EVERYBODY = [
    *(SimulatedWorker(name=f"simulated-{n}", kind=kind, ability=0.7, seed=1)
      for n, kind in enumerate(Kind)),
    SURE,
    WRONG,
]  # fmt: skip
ANIMAL = {"type": "choice", "name": "animal", "options": ["cat", "dog", "cow"]}
TAGS = {"type": "choice", "name": "tags", "options": ["a", "b", "c", "d"], "multiple": True}
NOTE = {"type": "text", "name": "note", "max_length": 12}
SHOWN = {"type": "text", "value": "${text}"}


def answer(*elements, worker=SURE, truth=None, task="task 1"):
    return fill_in(
        parse(list(elements)), worker=worker, task=task, truth=truth or {}, lookalikes={}
    )


def test_who_is_always_right_answers_the_truth():
    given = answer(SHOWN, ANIMAL, TAGS, NOTE, truth={"animal": "cow", "tags": "b|d", "note": "ok"})

    assert given == {"animal": "cow", "tags": ["b", "d"], "note": "ok"}


def test_who_is_always_wrong_does_not():
    given = answer(ANIMAL, TAGS, NOTE, worker=WRONG, truth={"animal": "cow", "tags": "b|d"})

    assert given["animal"] in {"cat", "dog"}
    assert given["tags"] == ["a", "c"]


def test_without_a_truth_the_able_agree_with_each_other():
    other = SimulatedWorker(name="simulated-03", kind=Kind.GOOD, ability=1.0, seed=1)

    assert answer(ANIMAL, TAGS, NOTE) == answer(ANIMAL, TAGS, NOTE, worker=other)


def test_a_truth_that_is_no_option_counts_as_unknown():
    assert answer(ANIMAL, truth={"animal": "horse"}) == answer(ANIMAL)


@pytest.mark.parametrize("limits", [{}, {"min": 2, "max": 3}, {"min": 4}, {"max": 1}])
def test_every_answer_fits_the_interface(limits):
    elements = [SHOWN, ANIMAL, {**TAGS, **limits}, NOTE]
    checker = Checker(parse(elements))

    for worker in EVERYBODY:
        for number in range(50):
            checker.check(answer(*elements, worker=worker, task=f"task {number}"))


def test_nobody_knows_says_nothing():
    assert nobody_knows({"task": 1}) == {}


EVERY_TYPE = [
    {"type": "rating", "name": "rating"},
    {"type": "number", "name": "number", "min": 0, "max": 10, "step": 0.5},
    {"type": "number", "name": "free"},
    {"type": "pairwise", "name": "pair", "left": "${a}", "right": "${b}", "tie": True},
    {"type": "ranking", "name": "order", "items": ["a", "b", "c"], "top": 2},
    {"type": "boxes", "name": "boxes", "of": "${a}", "labels": ["x", "y"]},
    {"type": "polygons", "name": "polygons", "of": "${a}", "labels": ["x", "y"]},
    {"type": "keypoints", "name": "points", "of": "${a}", "labels": ["x", "y"]},
    {"type": "masks", "name": "masks", "of": "${a}", "labels": ["x"]},
    {"type": "spans", "name": "spans", "of": "${a}", "labels": ["x", "y"]},
    {"type": "relations", "name": "related", "spans": "spans", "labels": ["of"]},
    {"type": "audio_regions", "name": "heard", "of": "${a}", "labels": ["x"]},
    {"type": "video_regions", "name": "seen", "of": "${a}", "labels": ["x"]},
    {
        "type": "survey",
        "pages": [
            {"title": "One", "elements": [ANIMAL]},
            {
                "title": "Two",
                "show_if": {"name": "animal", "is": "cat"},
                "elements": [{"type": "text", "name": "purrs"}],
            },
        ],
    },
]


@pytest.mark.parametrize("worker", EVERYBODY, ids=lambda worker: f"{worker.kind} {worker.name}")
def test_every_type_of_question_gets_an_answer_that_fits(worker):
    checker = Checker(parse(EVERY_TYPE))

    for number in range(20):
        given = answer(*EVERY_TYPE, worker=worker, task=f"task {number}")

        assert set(checker.check(given)) >= {"rating", "boxes", "animal"}
        assert ("purrs" in given) == (given["animal"] == "cat")


def test_those_who_are_right_draw_nearly_the_same():
    other = SimulatedWorker(name="simulated-09", kind=Kind.GOOD, ability=1.0, seed=1)

    one, two = (answer(*EVERY_TYPE, worker=worker)["boxes"] for worker in (SURE, other))

    assert [box["label"] for box in one] == [box["label"] for box in two]
    assert one != two
    for first, second in zip(one, two, strict=True):
        assert first["x"] == pytest.approx(second["x"], abs=0.08)
