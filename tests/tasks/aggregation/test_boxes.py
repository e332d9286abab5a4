from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.boxes import box_objects, fit_boxes
from tasks.aggregation.labels import Reading
from tasks.aggregation.overlap import box_ious, boxes, list_similarity
from tests.tasks.aggregation.drawn_crowds import Simulated, box_crowd


def box(x, y, width, height, label="cat"):
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def fit_one(*answers):
    return fit_boxes([Reading(1, worker, answer) for worker, answer in enumerate(answers)])


def test_every_edge_is_the_median_of_the_workers_edges():
    # Left 1, 1, 2; top 0, 1, 1; right 9, 10, 11; bottom 8, 10, 10, in sixteenths.
    fit = fit_one(
        [box(1 / 16, 0, 8 / 16, 8 / 16)],
        [box(1 / 16, 1 / 16, 9 / 16, 9 / 16)],
        [box(2 / 16, 1 / 16, 9 / 16, 9 / 16)],
    )

    assert fit.consensus[1].value == [box(1 / 16, 1 / 16, 9 / 16, 9 / 16)]


def test_a_wild_box_does_not_move_the_others():
    good, wild = box(0.25, 0.25, 0.25, 0.25), box(0.25, 0.25, 0.25, 0.375)

    assert fit_one([good], [good], [wild]).consensus[1].value == [good]


def test_of_two_equally_trusted_boxes_it_is_the_one_halfway():
    fit = fit_one([box(0.25, 0.25, 0.25, 0.25)], [box(0.3125, 0.25, 0.25, 0.25)])

    assert fit.consensus[1].value == [box(0.28125, 0.25, 0.25, 0.25)]


def test_a_box_nobody_else_drew_is_left_out():
    shared, alone = box(0, 0, 0.2, 0.2), box(0.5, 0.5, 0.2, 0.2)

    assert fit_one([shared, alone], [shared], [shared]).consensus[1].value == [shared]


def test_a_worker_who_is_often_far_off_weighs_less():
    near, far = box(0.25, 0.25, 0.25, 0.25), box(0.3125, 0.25, 0.25, 0.25)
    history = [
        Reading(task, worker, [far if worker == 3 else near])
        for task in range(10)
        for worker in (1, 2, 3)
    ]

    fit = fit_boxes([*history, Reading(10, 1, [near]), Reading(10, 3, [far])])

    assert fit.consensus[10].value == [near]


def test_nested_boxes_are_two_objects():
    outer, inner = box(0, 0, 0.8, 0.8), box(0.1, 0.1, 0.3, 0.3, "dog")

    assert fit_one([outer, inner], [inner, outer], [outer, inner]).consensus[1].value == [
        outer,
        inner,
    ]


def test_the_width_that_was_drawn_comes_back_to_the_last_digit():
    drawn = box(0.1, 0.7, 0.2, 0.1)  # 0.1 + 0.2 - 0.1 is not 0.2

    assert fit_one([drawn], [drawn], [drawn]).consensus[1].value == [drawn]


positions = st.integers(0, 40).map(lambda x: x / 64)
lengths = st.integers(1, 20).map(lambda x: x / 64)
answers = st.lists(st.builds(box, positions, positions, lengths, lengths), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(answers, min_size=1, max_size=5), st.integers(-32, 32), st.integers(-32, 32))
def test_moving_the_image_moves_the_boxes(drawn, right, down):
    def moved(boxes_):
        return [{**b, "x": b["x"] + right / 64, "y": b["y"] + down / 64} for b in boxes_]

    still, shifted = fit_one(*drawn), fit_one(*(moved(answer) for answer in drawn))

    assert [o.value for o in _objects(*map(moved, drawn))] == moved(still.consensus[1].value)
    assert shifted.skills == pytest.approx(still.skills)


def _objects(*drawn):
    return box_objects([Reading(1, worker, answer) for worker, answer in enumerate(drawn)])[1]


@pytest.mark.parametrize("crowd", [box_crowd(), box_crowd(overlap=10, workers=30, seed=1)])
def test_a_simulated_crowd_is_better_than_its_workers_and_than_a_plain_majority(crowd):
    consensus = {task: found.value for task, found in fit_boxes(crowd.readings).consensus.items()}

    ours = _f1(consensus, crowd)

    workers = [list_similarity(r.value, crowd.truth[r.task], "boxes") for r in crowd.readings]
    assert ours > fmean(workers) + 0.1
    assert ours > _f1(_plain_majority(crowd), crowd) + 0.02


def test_skills_rank_a_simulated_crowd_as_the_truth_does():
    crowd = box_crowd(tasks=300)
    true = {
        worker: fmean(
            list_similarity(r.value, crowd.truth[r.task], "boxes")
            for r in crowd.readings
            if r.worker == worker
        )
        for worker in range(12)
    }

    skills = fit_boxes(crowd.readings).skills

    best = sorted(true, key=true.__getitem__)[-3:]
    worst = sorted(true, key=true.__getitem__)[:3]
    assert min(skills[w] for w in best) > max(skills[w] for w in worst)


def _f1(consensus, crowd: Simulated):
    return fmean(
        list_similarity(consensus[task], truth, "boxes") for task, truth in crowd.truth.items()
    )


def _plain_majority(crowd: Simulated):
    """Match each box to the first that is near enough, keep what most drew, take the mean."""
    consensus = {}
    for task in crowd.truth:
        drawn = [r.value for r in crowd.readings if r.task == task]
        groups: list[list[dict]] = []
        for b in (b for answer in drawn for b in answer):
            near = [g for g in groups if box_ious(boxes([b]), boxes(g[:1]))[0, 0] >= 0.5]
            near[0].append(b) if near else groups.append([b])
        consensus[task] = [_mean(g) for g in groups if len(g) > len(drawn) / 2]
    return consensus


def _mean(group):
    names = [b["label"] for b in group]
    place = [fmean(b[side] for b in group) for side in ("x", "y", "width", "height")]
    return box(*place, max(sorted(set(names)), key=names.count))
