"""crowd-kit's methods behind our adapter. Importing crowd-kit takes seconds: few tests do."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from crowdkit.aggregation import classification
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import crowdkit, methods
from tasks.aggregation.errors import GoldNeeded, NotEnoughLabels, UnknownMethod, UnsupportedLabels
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority
from tests.tasks.aggregation.strategies import labels, renamed, shuffles

CROWD = Path(__file__).parents[4] / "shared" / "data" / "crowd"
GOLD = {0: "a", 1: "b", 2: "a"}

# By method, how many random crowds are tried: the slower the method, the fewer.
EXAMPLES = {
    "majority_vote": 20,
    "online": 15,
    "wawa": 15,
    "zero_based_skill": 2,
    "gold_majority_vote": 15,
    "dawid_skene": 15,
    "crowdkit_dawid_skene": 4,
    "one_coin_dawid_skene": 4,
    "glad": 15,
    "crowdkit_glad": 2,
    "mace": 15,
    "crowdkit_mace": 3,
    "mmsr": 4,
    "kos": 5,
    "text_majority": 20,
    "rover": 20,
    "text_rasa": 8,
    "text_hrrasa": 8,
}
CLASSIFIERS = (*methods.CLASSIFICATION, *methods.ORIGINALS)
VOTING = ("majority_vote", "wawa", "zero_based_skill")
HONEST_WORKERS, TASKS = 6, 12


def crowd_with_a_spammer() -> list[Label]:
    """Twelve tasks, "a" and "b" in turn; six workers who are mostly right, one who says "a"."""
    truth = ["ab"[task % 2] for task in range(TASKS)]
    other = {"a": "b", "b": "a"}
    return [
        Label(task, worker, other[label] if (task * 5 + worker * 7) % 11 == 0 else label)
        for task, label in enumerate(truth)
        for worker in range(HONEST_WORKERS)
    ] + [Label(task, HONEST_WORKERS, "a") for task in range(TASKS)]


def fitted(method: str, given_labels: list[Label]) -> Fit:
    try:
        return crowdkit.fit(method, given_labels, gold=GOLD)
    except NotEnoughLabels:
        return Fit({}, {})


def test_every_method_is_tried_here_and_every_classifier_of_crowd_kit_has_a_name():
    assert EXAMPLES.keys() == methods.METHODS.keys() | methods.ORIGINALS.keys()
    assert {methods.canonical_name(name) for name in classification.__all__} == set(
        methods.CLASSIFICATION
    ) - {"online"}


@pytest.mark.parametrize("method", EXAMPLES)
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(method):
    classes = "ab" if method == "kos" else "abc"

    @settings(max_examples=EXAMPLES[method], deadline=None)
    @given(labels(classes, min_size=4), st.data())
    def law(given_labels, data):
        names = data.draw(shuffles(range(5)))
        shuffled = data.draw(shuffles(renamed(given_labels, names)))

        fit, other = fitted(method, given_labels), fitted(method, shuffled)

        assert other.consensus == fit.consensus
        assert other.skills == {names[worker]: skill for worker, skill in fit.skills.items()}
        assert all(0 <= consensus.confidence <= 1 for consensus in fit.consensus.values())
        assert all(0 <= skill <= 1 for skill in fit.skills.values())
        assert fit.consensus.keys() in (set(), {label.task for label in given_labels})

    law()


@pytest.mark.parametrize("method", EXAMPLES)
def test_a_crowd_that_always_agrees_is_believed(method):
    given_labels = [Label(task, worker, "ab"[task % 2]) for task in range(4) for worker in range(4)]

    fit = crowdkit.fit(method, given_labels, gold=GOLD)

    assert {task: label for task, (label, _) in fit.consensus.items()} == dict(enumerate("abab"))
    assert all(confidence > 0.99 for _, confidence in fit.consensus.values())


@pytest.mark.parametrize("method", VOTING)
def test_a_unanimous_task_wins_under_every_method_that_counts_votes(method):
    @settings(max_examples=min(EXAMPLES[method], 8), deadline=None)
    @given(labels())
    def law(given_labels):
        fit = crowdkit.fit(method, given_labels)

        for task, consensus in fit.consensus.items():
            answers = {label.label for label in given_labels if label.task == task}
            assert len(answers) > 1 or consensus == Consensus(answers.pop(), 1.0)

    law()


@pytest.mark.parametrize("method", CLASSIFIERS)
def test_mostly_right_workers_outvote_a_spammer_who_gets_the_lowest_skill(method):
    fit = crowdkit.fit(method, crowd_with_a_spammer(), gold=GOLD | {3: "b", 4: "a", 5: "b"})

    assert "".join(fit.consensus[task].label for task in range(TASKS)) == "ab" * 6
    if method == "kos":
        assert fit.skills == {}
    else:
        assert min(fit.skills, key=fit.skills.__getitem__) == HONEST_WORKERS
        assert all(fit.skills[worker] > 0.7 for worker in range(HONEST_WORKERS))


@pytest.mark.parametrize("method", EXAMPLES)
def test_no_labels_give_an_empty_fit(method):
    assert crowdkit.fit(method, []) == Fit({}, {})


@pytest.mark.parametrize("method", CLASSIFIERS)
@pytest.mark.parametrize(
    "given_labels",
    [
        [Label(1, 1, "a"), Label(1, 2, "b"), Label(1, 3, "b")],
        [Label(1, 1, "a"), Label(2, 1, "b")],
        [Label(1, 1, "a"), Label(1, 2, "a"), Label(2, 1, "a")],
    ],
    ids=["one task", "one worker", "one class"],
)
def test_where_there_is_nothing_to_weigh_the_majority_decides(method, given_labels):
    fit = crowdkit.fit(method, given_labels)

    assert fit.consensus == majority(given_labels).consensus
    assert method == "majority_vote" or fit.skills == {}


def test_crowd_kits_own_names_are_understood_and_others_refused():
    given_labels = crowd_with_a_spammer()

    assert crowdkit.fit("DawidSkene", given_labels) == methods.fit("dawid_skene", given_labels)
    with pytest.raises(UnknownMethod):
        crowdkit.fit("divination", given_labels)


def test_what_a_label_says_does_not_matter_even_when_it_is_a_column_of_crowd_kits():
    names = {"a": "posterior", "b": "worker"}
    given_labels = crowd_with_a_spammer()
    odd = [label._replace(label=names[label.label]) for label in given_labels]

    fit, odd_fit = (crowdkit.fit("crowdkit_glad", each) for each in (given_labels, odd))

    assert odd_fit.consensus == {
        task: Consensus(names[label], confidence)
        for task, (label, confidence) in fit.consensus.items()
    }


def test_nobody_elses_random_numbers_or_warnings_are_disturbed():
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)

    crowdkit.fit("kos", crowd_with_a_spammer())

    assert np.random.random() == expected
    with pytest.warns(FutureWarning):
        warnings.warn("DataFrame.idxmax with all-NA is heard again", FutureWarning, stacklevel=1)


def test_kos_refuses_three_classes():
    three = [Label(1, 1, "a"), Label(1, 2, "b"), Label(2, 1, "c")]

    with pytest.raises(UnsupportedLabels, match="KOS needs two classes; these labels have 3"):
        crowdkit.fit("kos", three)


def test_kos_leaves_tasks_outside_every_cycle_to_the_majority():
    square = [Label(task, worker, "ab"[task]) for task in (0, 1) for worker in (0, 1)]
    branch = [Label(9, 7, "b")]

    fit = crowdkit.fit("kos", square + branch)

    assert fit.consensus[9] == Consensus("b", 1.0)
    assert crowdkit.fit("kos", [Label(1, 1, "a"), Label(2, 2, "b")]).consensus == {
        1: Consensus("a", 1.0),
        2: Consensus("b", 1.0),
    }


def test_kos_says_so_when_the_answers_cancel_each_other_out():
    answers = {
        0: {0: "b", 1: "a", 2: "b", 3: "b", 4: "a"},
        1: {0: "a", 2: "b"},
        2: {1: "a", 3: "a"},
    }
    given_labels = [
        Label(task, worker, label) for task, row in answers.items() for worker, label in row.items()
    ]

    with pytest.raises(NotEnoughLabels, match="KOS found no signal"):
        crowdkit.fit("kos", given_labels)


def test_mmsr_says_so_when_too_few_workers_meet():
    given_labels = [
        *(Label(0, worker, label) for worker, label in enumerate("bba")),
        Label(1, 0, "b"),
        Label(1, 1, "a"),
    ]

    with pytest.raises(NotEnoughLabels, match="too few have tasks in common"):
        crowdkit.fit("mmsr", given_labels)


def test_mmsr_believes_two_workers_who_always_agree():
    given_labels = [Label(task, worker, "ab"[task]) for task in (0, 1) for worker in (0, 1)]

    fit = crowdkit.fit("mmsr", given_labels)

    assert fit.consensus == {0: Consensus("a", 1.0), 1: Consensus("b", 1.0)}


def test_mmsr_serves_crowds_whose_graph_of_pairs_is_large():
    given_labels = [
        Label(task, worker, "ab"[(task + (worker % 9 == task)) % 2])
        for task in range(8)
        for worker in range(36)
    ]

    fit = crowdkit.fit("mmsr", given_labels)

    assert {task: label for task, (label, _) in fit.consensus.items()} == dict(enumerate("ab" * 4))


def test_gold_majority_vote_trusts_workers_who_know_the_gold():
    expert, crowd = 1, (2, 3)
    given_labels = [
        *(Label(task, expert, "a") for task in (0, 1)),
        *(Label(task, worker, "b") for task in (0, 1) for worker in crowd),
    ]

    fit = crowdkit.fit("GoldMajorityVote", given_labels, gold={0: "a", 99: "b"})

    assert fit.consensus == {0: Consensus("a", 1.0), 1: Consensus("a", 1.0)}
    assert fit.skills == {1: 1.0, 2: 0.0, 3: 0.0}


def test_gold_majority_vote_counts_workers_without_gold_as_average():
    given_labels = [Label(0, 1, "a"), Label(0, 2, "b"), Label(1, 1, "a"), Label(1, 3, "b")]

    fit = crowdkit.fit("gold_majority_vote", given_labels, gold={0: "a"})

    assert fit.skills == {1: 1.0, 2: 0.0}
    assert fit.consensus[1] == Consensus("a", pytest.approx(1 / 1.5))


def test_gold_majority_vote_falls_back_where_every_weight_is_zero():
    given_labels = [Label(0, 1, "a"), Label(0, 2, "b"), Label(1, 1, "a"), Label(1, 2, "b")]

    fit = crowdkit.fit("gold_majority_vote", given_labels, gold={0: "an answer nobody gave"})

    assert fit.consensus == majority(given_labels).consensus


@pytest.mark.parametrize("gold", [None, {}, {99: "a"}])
def test_gold_majority_vote_needs_gold_that_somebody_answered(gold):
    with pytest.raises(GoldNeeded):
        crowdkit.fit("gold_majority_vote", crowd_with_a_spammer(), gold=gold)


@pytest.mark.parametrize("method", ["rover", "text_rasa", "text_hrrasa"])
def test_texts_are_aggregated_to_what_most_say(method):
    fit = crowdkit.fit(
        method,
        [
            Label(1, 1, "the cat sat on the mat"),
            Label(1, 2, "The cat sat on the mat"),
            Label(1, 3, "the hat sat on a mat"),
            Label(1, 4, "buy cheap watches"),
            Label(2, 1, "a lone answer"),
        ],
    )

    assert fit.consensus[1].label.lower() == "the cat sat on the mat"
    assert 0.5 < fit.consensus[1].confidence < 1
    assert fit.consensus[2] == Consensus("a lone answer", 1.0)
    assert fit.skills == {}


def test_rover_can_be_right_where_every_answer_is_wrong():
    texts = ["one two three nine", "one two eight four", "one seven three four"]

    fit = crowdkit.fit("rover", [Label(1, worker, text) for worker, text in enumerate(texts)])

    assert fit.consensus == {1: Consensus("one two three four", 0.75)}


# --- real crowds, when they are there -------------------------------------------------------

BASELINES: Mapping[str, Mapping[str, float]] = {  # accuracy in percent, crowd-kit 1.4.2
    "dog": {"majority_vote": 82.2, "wawa": 82.9, "dawid_skene": 84.3},
    "face": {
        "majority_vote": 63.7,
        "wawa": 63.4,
        "dawid_skene": 64.0,
        "one_coin_dawid_skene": 61.1,
    },
    "snow_rte": {"wawa": 91.9, "dawid_skene": 92.8, "one_coin_dawid_skene": 92.5, "mace": 92.7},
    "ducks": {"majority_vote": 68.8, "wawa": 64.2, "dawid_skene": 60.0},
}


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize("name", BASELINES)
def test_real_crowds_come_out_as_accurate_as_measured_before(name):
    tasks: dict[str, int] = {}
    workers: dict[str, int] = {}
    given_labels = {
        (row["task"], row["worker"]): Label(
            tasks.setdefault(row["task"], len(tasks)),
            workers.setdefault(row["worker"], len(workers)),
            row["label"],
        )
        for row in rows(CROWD / name / "answers.csv")
    }
    truth = {tasks[row["task"]]: row["label"] for row in rows(CROWD / name / "truth.csv")}

    for method, percent in BASELINES[name].items():
        fit = methods.fit(method, list(given_labels.values()))
        right = sum(fit.consensus[task].label == label for task, label in truth.items())

        # The baselines average over ties and, for MACE, over seeds; a fixed rule may differ.
        assert 100 * right / len(truth) == pytest.approx(percent, abs=0.6)
