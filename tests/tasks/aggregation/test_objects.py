"""What all kinds of objects have in common; see ``test_boxes.py`` and so on for the rest."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.boxes import box_objects, fit_boxes
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.keypoints import fit_keypoints, keypoint_objects
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.masks import fit_masks_vote
from tasks.aggregation.polygons import fit_polygons, polygon_objects
from tasks.aggregation.regions import fit_regions, region_objects
from tasks.aggregation.spans import fit_relations, fit_spans, relation_objects, span_objects
from tests.tasks.aggregation.drawn_crowds import mask

labels = st.sampled_from(["cat", "dog"])
grid = st.integers(0, 6).map(lambda x: x / 8)
sizes = st.integers(1, 4).map(lambda x: x / 8)
bounds = st.tuples(st.integers(0, 8), st.integers(1, 5)).map(
    lambda pair: {"start": pair[0], "end": sum(pair)}
)
spans = st.builds(lambda label, ends: {"label": label, **ends}, labels, bounds)
pictures = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=2, max_size=2)

OBJECTS = {
    "boxes": st.fixed_dictionaries(
        {"label": labels, "x": grid, "y": grid, "width": sizes, "height": sizes}
    ),
    "polygons": st.fixed_dictionaries(
        {
            "label": labels,
            "points": st.lists(st.tuples(grid, grid).map(list), min_size=3, max_size=4),
        }
    ),
    "keypoints": st.fixed_dictionaries({"label": labels, "x": grid, "y": grid}),
    "spans": spans,
    "relations": st.fixed_dictionaries({"label": labels, "from": bounds, "to": bounds}),
    "regions": spans,
}
FITS = {
    "boxes": fit_boxes,
    "polygons": fit_polygons,
    "keypoints": fit_keypoints,
    "spans": fit_spans,
    "relations": fit_relations,
    "regions": fit_regions,
    "masks": fit_masks_vote,
}
LISTS = {
    "boxes": box_objects,
    "polygons": polygon_objects,
    "keypoints": keypoint_objects,
    "spans": span_objects,
    "relations": relation_objects,
    "regions": region_objects,
}
painted = st.dictionaries(labels, pictures, max_size=2).map(
    lambda named: [mask(pixels, label) for label, pixels in sorted(named.items())]
)
ANSWERS = {kind: st.lists(one, max_size=3) for kind, one in OBJECTS.items()} | {"masks": painted}


def span(start, end, label="cat"):
    return {"label": label, "start": start, "end": end}


def readings(*answers, task=1):
    return [Reading(task, worker, answer) for worker, answer in enumerate(answers, 1)]


def places(objects):
    """Make lists of objects comparable whatever their order."""
    return sorted(objects, key=lambda one: json.dumps(one, sort_keys=True))


@pytest.mark.parametrize("kind", FITS)
def test_neither_the_order_nor_the_names_of_workers_matter(kind):
    @settings(max_examples=40, deadline=None)
    @given(
        st.dictionaries(
            st.tuples(st.integers(1, 2), st.integers(1, 4)), ANSWERS[kind], min_size=1, max_size=6
        ),
        st.permutations(range(1, 5)),
        st.randoms(use_true_random=False),
    )
    def check(answers, names, random):
        rows = [Reading(*pair, answer) for pair, answer in answers.items()]
        shuffled = [
            Reading(r.task, names[r.worker - 1], random.sample(r.value, len(r.value)))
            for r in random.sample(rows, len(rows))
        ]

        fit, renamed = FITS[kind](rows), FITS[kind](shuffled)

        assert renamed.consensus == fit.consensus
        assert renamed.skills == {names[w - 1]: skill for w, skill in fit.skills.items()}
        assert all(0 <= skill <= 1 for skill in fit.skills.values())
        assert all(0 <= found.confidence <= 1 for found in fit.consensus.values())

    check()


@pytest.mark.parametrize("kind", FITS)
def test_what_all_agree_on_is_the_answer_and_all_are_perfect(kind):
    @settings(max_examples=40, deadline=None)
    @given(ANSWERS[kind], st.integers(3, 5))
    def check(answer, workers):
        real = [o for o in answer if kind != "masks" or len(o["counts"]) > 1]

        fit = FITS[kind](readings(*[answer] * workers))

        assert places(fit.consensus[1].value) == places(real)
        assert fit.consensus[1].confidence > 0.9
        assert fit.skills == dict.fromkeys(range(1, workers + 1), 1.0)

    check()


@pytest.mark.parametrize("kind", FITS)
def test_a_worker_who_draws_nothing_never_adds_an_object(kind):
    @settings(max_examples=30, deadline=None)
    @given(st.lists(ANSWERS[kind], min_size=1, max_size=4))
    def check(answers):
        before = FITS[kind](readings(*answers)).consensus[1].value

        after = FITS[kind](readings(*answers, [])).consensus[1].value

        assert len(after) <= len(before)

    check()


@pytest.mark.parametrize("kind", FITS)
def test_no_answers_give_no_consensus(kind):
    assert FITS[kind]([]) == Merged({}, {})


@pytest.mark.parametrize("kind", FITS)
def test_nothing_seen_by_anybody_is_a_certain_nothing(kind):
    assert FITS[kind](readings([], [])) == Merged({1: Found([], 1.0)}, {1: 1.0, 2: 1.0})


@pytest.mark.parametrize("kind", FITS)
def test_two_answers_of_one_worker_to_one_task_are_refused(kind):
    with pytest.raises(UnsupportedLabels, match="Worker 7 answered task 1 more than once"):
        FITS[kind]([Reading(1, 7, []), Reading(1, 7, [])])


@pytest.mark.parametrize("kind", LISTS)
def test_the_list_of_objects_has_the_values_of_the_consensus(kind):
    @settings(max_examples=20, deadline=None)
    @given(st.lists(ANSWERS[kind], min_size=1, max_size=4))
    def check(answers):
        rows = readings(*answers)

        listed = LISTS[kind](rows)

        values = {task: [drawn.value for drawn in objects] for task, objects in listed.items()}
        assert values == {t: found.value for t, found in FITS[kind](rows).consensus.items()}

    check()


def test_a_single_answer_is_the_consensus_and_earns_no_skill():
    fit = fit_spans(readings([span(3, 5), span(0, 2)]))

    assert fit.consensus[1].value == [span(0, 2), span(3, 5)]
    assert fit.consensus[1].confidence == pytest.approx(0.8)
    assert fit.skills == {}


def test_most_of_the_workers_saying_nothing_is_an_answer():
    fit = fit_spans(readings([], [], [span(0, 4)]))

    assert fit.consensus[1].value == []
    # One of three strangers drew it: odds of 1 to 4, and the rates have hardly moved.
    assert fit.consensus[1].confidence == pytest.approx(0.8, abs=0.01)
    assert fit.skills == {1: 1.0, 2: 1.0, 3: 0.0}


def test_what_two_of_three_strangers_drew_has_odds_of_four_to_one():
    [drawn] = span_objects(readings([span(0, 4)], [span(0, 4)], []))[1]

    assert (drawn.value, drawn.drawn_by, drawn.of) == (span(0, 4), 2, 3)
    assert drawn.probability == pytest.approx(0.8, abs=0.01)
    assert drawn.label_share == 1


def test_the_confidence_is_the_mean_over_everything_anybody_drew():
    sure, doubtful = span(0, 4), span(10, 14)

    found = fit_spans(readings([sure, doubtful], [sure], [sure])).consensus[1]

    certain = 1 / (1 + math.exp(-3 * math.log(4)))
    assert found.value == [sure]
    assert found.confidence == pytest.approx((certain + 0.8) / 2, abs=0.01)


def test_a_disagreement_on_the_label_is_a_vote_and_not_two_objects():
    rows = readings([span(0, 4)], [span(0, 4, "dog")], [span(0, 4, "dog")])

    [drawn] = span_objects(rows)[1]

    assert (drawn.value, drawn.drawn_by) == (span(0, 4, "dog"), 3)
    assert drawn.label_share == pytest.approx(2 / 3, abs=0.01)


def test_a_tie_between_labels_goes_to_the_alphabetically_first():
    fit = fit_spans(readings([span(0, 4, "dog")], [span(0, 4, "cat")]))

    assert fit.consensus[1].value == [span(0, 4, "cat")]


def test_a_skill_is_the_likeness_to_what_the_others_found():
    # For worker 4 the others' consensus is both spans; half of one and nothing of the other
    # is 2 · ½ / (1 + 2). For the others it is both spans, exactly as they drew them.
    both = [span(0, 4), span(10, 14)]

    fit = fit_spans(readings(both, both, both, [span(0, 2)]))

    assert fit.skills == {1: 1.0, 2: 1.0, 3: 1.0, 4: pytest.approx(1 / 3)}


def test_nobody_vouches_for_their_own_object_or_label():
    kept = [span(0, 4, "dog")]

    fit = fit_spans(readings(kept, [span(0, 4)], kept))

    # Without worker 1 the labels tie, and "cat" comes first.
    assert fit.consensus[1].value == kept
    assert fit.skills == {1: 0.0, 2: 0.0, 3: 0.0}


def test_skills_are_means_over_tasks_that_others_answered():
    rows = [
        *readings([span(0, 4)], [span(0, 4)], [span(0, 4)], []),
        *readings([span(0, 4)], [span(0, 4)], [span(0, 4)], [span(0, 4)], task=2),
        Reading(3, 4, [span(5, 9)]),
    ]

    assert fit_spans(rows).skills[4] == 0.5
