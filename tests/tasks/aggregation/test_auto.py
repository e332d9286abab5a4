from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import auto
from tasks.aggregation.auto import MINIMUM_GOLD, choose, ordinary_depth, split_gold
from tasks.aggregation.errors import UnknownMethod, UnsupportedLabels
from tasks.aggregation.labels import Label
from tests.tasks.aggregation.strategies import labels, renamed, shuffles
from tests.tasks.aggregation.weighed import mixed_crowd


def crowd(answers: int, tasks: int = 5) -> list[Label]:
    return [
        Label(task, worker, "ab"[task % 2]) for task in range(tasks) for worker in range(answers)
    ]


def test_a_gold_task_becomes_as_many_tasks_as_its_answers_fill():
    given_labels = [*crowd(7, tasks=1), Label(10, 0, "a"), Label(10, 1, "b"), Label(10, 2, "b")]

    split = split_gold(given_labels, {0}, 3)

    sizes = Counter(label.task for label in split.labels)
    assert split.gold == {11: 0, 12: 0}
    assert sizes == {10: 3, 11: 3, 12: 3, 13: 1}
    assert sorted(label.worker for label in split.labels if label.task > 10) == list(range(7))


def test_a_gold_task_with_too_few_answers_stays_whole():
    split = split_gold(crowd(2, tasks=1), {0}, 3)

    assert split.gold == {1: 0}
    assert [label.task for label in split.labels] == [1, 1]


def test_the_depth_is_the_median_of_ordinary_tasks():
    given_labels = [label._replace(task=label.task + 50) for label in crowd(9, tasks=9)] + crowd(3)

    assert ordinary_depth(given_labels, range(50, 59)) == 3
    assert ordinary_depth(crowd(4), range(5)) == 4
    assert ordinary_depth([], ()) == 1


@settings(max_examples=40, deadline=None)
@given(labels(), st.integers(1, 4), st.data())
def test_splitting_loses_no_answer_whatever_the_order_and_the_names(given_labels, depth, data):
    names = data.draw(shuffles(range(5)))
    shuffled = data.draw(shuffles(renamed(given_labels, names)))

    split, other = split_gold(given_labels, {0, 1}, depth), split_gold(shuffled, {0, 1}, depth)

    assert Counter((x.worker, x.label) for x in split.labels) == Counter(
        (x.worker, x.label) for x in given_labels
    )
    assert other.gold == split.gold
    # Workers with the same answers may be dealt to each other's places.
    assert Counter((x.task, x.label) for x in other.labels) == Counter(
        (x.task, x.label) for x in split.labels
    )


def test_a_depth_of_none_and_a_repeated_answer_are_refused():
    with pytest.raises(ValueError, match="at least one answer"):
        split_gold([], (), 0)
    with pytest.raises(UnsupportedLabels):
        split_gold([Label(0, 0, "a"), Label(0, 0, "b")], {0}, 1)


def test_with_little_gold_the_preferred_method_is_taken_and_the_reason_says_how_much_is_needed():
    chosen = choose(crowd(3), {0: "a"})

    assert chosen.method == "online"
    assert chosen.scores == {}
    assert chosen.why == f"1 gold tasks have answers; {MINIMUM_GOLD} are needed to compare methods."


def test_where_no_method_is_better_the_preferred_one_stays():
    given_labels, truth = mixed_crowd("ab", tasks=60, workers=12, overlap=5)

    chosen = choose(given_labels, truth, ("online", "majority_vote", "dawid_skene"))

    assert chosen.method == "online"
    assert chosen.scores.keys() == {"online", "majority_vote", "dawid_skene"}
    assert chosen.scores["online"].accuracy.answers == 60
    assert chosen.why.startswith("No other method beats online (")
    assert "right on 60 gold tasks" in chosen.why


def test_a_method_that_is_better_beyond_chance_is_taken():
    """Three of seven workers always click "a": a vote falls to them, a worker model does not."""
    given_labels = [
        Label(task, worker, "a" if worker < 3 or (task + worker) % 9 == 0 else "ab"[task % 2])
        for task in range(60)
        for worker in range(7)
        if (task + worker) % 3
    ]
    truth = {task: "ab"[task % 2] for task in range(60)}

    chosen = choose(given_labels, truth, ("majority_vote", "dawid_skene"))

    assert chosen.method == "dawid_skene"
    assert chosen.scores["dawid_skene"].accuracy.low > chosen.scores["majority_vote"].accuracy.high
    assert chosen.scores["dawid_skene"].log_loss < chosen.scores["majority_vote"].log_loss
    assert "beats majority_vote" in chosen.why


def test_methods_are_fitted_without_the_gold_and_those_that_need_it_are_left_out():
    given_labels, truth = mixed_crowd("abc", tasks=40, workers=12, overlap=5)

    chosen = choose(given_labels, truth, ("gold_majority_vote", "kos", "majority_vote"))

    assert chosen.scores.keys() == {"majority_vote"}
    assert chosen.method == "majority_vote"
    assert chosen.why.startswith("gold_majority_vote cannot work with these labels; majority_vote")


def test_where_no_candidate_can_work_the_preferred_one_is_named():
    given_labels, truth = mixed_crowd("abc", tasks=40, workers=12, overlap=5)

    chosen = choose(given_labels, truth, ("kos",))

    assert (chosen.method, chosen.scores) == ("kos", {})
    assert chosen.why == "No candidate can work with these labels."


@pytest.mark.parametrize(
    ("wins", "losses", "chance"), [(0, 0, 1.0), (3, 0, 1 / 8), (0, 3, 1.0), (5, 1, 7 / 64)]
)
def test_the_sign_test_counts_tasks_on_which_methods_differ(wins, losses, chance):
    size = wins + losses + 4
    one = auto.Trial({task: float(task < wins or task >= wins + losses) for task in range(size)}, 0)
    other = auto.Trial({task: float(task >= wins) for task in range(size)}, 0)

    assert auto._chance_better(one, other) == pytest.approx(chance)


def test_no_candidates_and_unknown_ones_are_refused():
    with pytest.raises(ValueError, match="at least one candidate"):
        choose([], {}, ())
    with pytest.raises(UnknownMethod):
        choose([], {}, ("divination",))
