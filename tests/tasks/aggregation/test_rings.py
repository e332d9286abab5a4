from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tasks.aggregation.online import Answers, OnlineModel
from tasks.aggregation.replay import UNKNOWN, Recording
from tasks.aggregation.rings import PairFinding, compare, pairs_above_chance, rings
from tests.tasks.aggregation.crowds import answers, crowd, model

CROWD = Path(__file__).parents[4] / "shared" / "data" / "crowd"
SKILLS = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65) * 5


def with_copiers(recording: Recording, *, source: int, tasks: int, seed: int) -> Recording:
    """Let three more workers copy ``source`` on its first tasks; each tenth answer is random."""
    random = np.random.default_rng(seed)
    theirs = np.flatnonzero(recording.answers.workers == source)[:tasks]
    columns = [recording.answers]
    for copier in range(3):
        copied = recording.answers.labels[theirs].copy()
        slips = random.random(copied.size) < 0.1
        copied[slips] = random.integers(0, recording.classes, slips.sum())
        who = np.full(copied.size, recording.workers + copier)
        columns.append(Answers(recording.answers.tasks[theirs], who, copied))
    merged = Answers(*(np.concatenate(column) for column in zip(*columns, strict=True)))
    return recording._replace(answers=merged, workers=recording.workers + 3)


def findings(recording: Recording, **options: int) -> list[PairFinding]:
    beliefs = model(recording).refit().without_own_answer()
    return pairs_above_chance(recording.answers, beliefs, recording.workers, **options)


def members(found: list[PairFinding]) -> set[tuple[int, int]]:
    return {(pair.a, pair.b) for pair in found}


def pair(a: int, b: int) -> PairFinding:
    return PairFinding(a, b, shared=20, agreed=19, expected=10.0, copied=0.9, p_value=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_independent_workers_are_hardly_ever_named(seed):
    honest = crowd(tasks=300, skills=SKILLS, overlap=10, classes=3, seed=seed)

    assert len(findings(honest)) <= 1  # of 435 pairs


@pytest.mark.parametrize("seed", range(3))
def test_three_who_copy_one_are_found_after_forty_shared_answers(seed):
    honest = crowd(tasks=300, skills=SKILLS, overlap=10, classes=4, seed=seed)

    found = findings(with_copiers(honest, source=4, tasks=40, seed=seed))

    assert any(ring >= {4, 30, 31, 32} and len(ring) <= 5 for ring in rings(found))


def test_shared_mistakes_weigh_more_than_shared_right_answers():
    # Workers 0 and 1 err alike on six tasks of forty, 2 and 3 each on six of their own.
    rows = []
    for task in range(40):
        rows += [(task, worker, 0) for worker in range(4, 10)]
        rows += [(task, 0, int(task < 6)), (task, 1, int(task < 6))]
        rows += [(task, 2, int(6 <= task < 12)), (task, 3, int(12 <= task < 18))]
    given = answers(*rows)
    beliefs = np.tile([0.99, 0.01], (len(rows), 1))

    pairs = compare(given, beliefs, 10)

    score = dict(
        zip(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True), pairs.score, strict=True)
    )
    assert score[0, 1] == max(score.values())
    assert score[0, 1] > score[4, 5] + 2  # who agree on all forty, and are right
    assert score[2, 3] < score[4, 5]


def test_two_who_press_the_same_button_are_not_called_copies():
    honest = crowd(tasks=200, skills=SKILLS, overlap=10, classes=3)
    labels = honest.answers.labels.copy()
    labels[np.isin(honest.answers.workers, (0, 1))] = 2
    pressed = honest._replace(answers=honest.answers._replace(labels=labels))

    found = findings(pressed)

    assert (0, 1) not in members(found)


def test_few_shared_tasks_are_not_compared():
    recording = Recording(
        answers(*[(task, worker, 1) for task in range(4) for worker in range(3)]),
        np.full(4, UNKNOWN),
        3,
        2,
    )

    assert findings(recording) == []


def test_only_the_pairs_with_most_shared_tasks_are_examined_where_there_are_too_many():
    honest = crowd(tasks=100, skills=SKILLS[:8], overlap=4)
    beliefs = model(honest).refit().without_own_answer()
    every = compare(honest.answers, beliefs, honest.workers)

    few = compare(honest.answers, beliefs, honest.workers, limit=5)

    assert few.shared.tolist() == every.shared[:5].tolist()
    assert few.shared.min() >= every.shared[5:].max()


def test_without_answers_nobody_is_named():
    assert pairs_above_chance(answers(), np.zeros((0, 2)), 3) == []


def test_the_order_of_answers_changes_nothing():
    recording = with_copiers(
        crowd(tasks=200, skills=SKILLS, overlap=8, classes=4), source=1, tasks=40, seed=1
    )
    beliefs = model(recording).refit().without_own_answer()
    order = np.random.default_rng(9).permutation(len(beliefs))
    turned = Answers(*(column[order] for column in recording.answers))

    again = pairs_above_chance(turned, beliefs[order], recording.workers)

    found = pairs_above_chance(recording.answers, beliefs, recording.workers)
    assert found
    assert members(again) == members(found)


def test_a_ring_is_of_workers_who_support_each_other():
    triangle = [pair(1, 2), pair(2, 3), pair(1, 3)]

    assert rings([*triangle, pair(3, 9), pair(5, 6)]) == [frozenset({1, 2, 3}), frozenset({5, 6})]
    assert rings([pair(1, 2), pair(1, 3), pair(1, 4)]) == [frozenset({1, 2, 3, 4})]
    assert rings([]) == []


def read(name: str) -> Recording:
    with (CROWD / name / "answers.csv").open(encoding="utf-8", newline="") as file:
        labels = {(row["task"], row["worker"]): row["label"] for row in csv.DictReader(file)}
    tasks, workers = (sorted({key[part] for key in labels}) for part in (0, 1))
    classes = sorted(set(labels.values()))
    codes = [
        (tasks.index(task), workers.index(worker), classes.index(label))
        for (task, worker), label in labels.items()
    ]
    return Recording(answers(*codes), np.full(len(tasks), UNKNOWN), len(workers), len(classes))


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize("name", ["face", "snow_temp", "snow_rte", "quiz_chinese", "quiz_itmanage"])
def test_nobody_is_named_in_a_genuine_crowd(name):
    assert findings(read(name)) == []


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
def test_experts_whom_the_crowd_outvotes_look_like_a_ring_until_gold_speaks_for_them():
    recording = read("ducks")
    with (CROWD / "ducks" / "truth.csv").open(encoding="utf-8", newline="") as file:
        known_labels = {row["task"]: row["label"] for row in csv.DictReader(file)}
    truth = [int(label == "no_duck") for _, label in sorted(known_labels.items())]
    gold = dict(enumerate(truth[:50]))
    fitted = model(recording, gold=gold).refit()
    beliefs = fitted.without_own_answer()
    known = np.isin(recording.answers.tasks, list(gold))
    beliefs[known] = np.eye(2)[np.array(truth)[recording.answers.tasks[known]]]

    named = pairs_above_chance(recording.answers, beliefs, recording.workers)

    assert len(findings(recording)) > 10
    assert named == []


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize(("name", "least"), [("quiz_chinese", 0.99), ("face", 0.9)])
def test_copies_of_twenty_answers_rank_above_genuine_pairs(name, least):
    genuine = read(name)
    counts = np.bincount(genuine.answers.workers)
    source = int(np.flatnonzero(counts >= 20)[0])
    copied = with_copiers(genuine, source=source, tasks=20, seed=0)
    beliefs = OnlineModel(
        copied.answers, tasks=copied.tasks, workers=copied.workers, classes=copied.classes
    ).refit()

    pairs = compare(copied.answers, beliefs.without_own_answer(), copied.workers)

    ring = {source, *range(genuine.workers, copied.workers)}
    copies = np.isin(pairs.a, list(ring)) & np.isin(pairs.b, list(ring))
    above = (pairs.score[copies][:, None] > pairs.score[~copies]).mean()
    assert above >= least
