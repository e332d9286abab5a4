from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.majority import majority
from tasks.aggregation.multiple import Chosen, MultipleFit, fit_multiple

OPTIONS = ("cat", "dog", "fox")


def by_majority(_option, labels):
    return majority(labels)


def ticked(*options: str) -> frozenset[str]:
    return frozenset(options)


def test_each_option_wins_or_loses_by_itself():
    fit = fit_multiple(
        [(1, 1, ticked("dog", "cat")), (1, 2, ticked("cat")), (1, 3, ticked("cat", "dog"))],
        OPTIONS,
        by_majority,
    )

    assert fit.consensus == {1: Chosen(("cat", "dog"), 2 / 3)}


def test_the_confidence_is_that_of_the_least_certain_option_chosen_or_not():
    fit = fit_multiple(
        [(1, 1, ticked("cat", "fox")), (1, 2, ticked("cat")), (1, 3, ticked("cat"))],
        OPTIONS,
        by_majority,
    )

    assert fit.consensus == {1: Chosen(("cat",), 2 / 3)}


def test_an_option_that_half_the_workers_ticked_is_left_out():
    fit = fit_multiple([(1, 1, ticked("cat")), (1, 2, ticked())], OPTIONS, by_majority)

    assert fit.consensus == {1: Chosen((), 0.5)}


def test_nothing_ticked_by_anybody_is_a_certain_nothing():
    fit = fit_multiple([(1, 1, ticked()), (1, 2, ticked())], OPTIONS, by_majority)

    assert fit == MultipleFit({1: Chosen((), 1.0)}, {})


def test_no_answers_give_an_empty_fit():
    assert fit_multiple([], OPTIONS, by_majority) == MultipleFit({}, {})


def test_a_workers_skill_is_the_mean_over_the_options():
    fit = fit_multiple(
        [(1, 1, ticked("cat")), (1, 2, ticked("cat")), (1, 3, ticked("cat", "dog"))],
        OPTIONS,
        by_majority,
    )

    assert fit.skills == {1: 0.75, 2: 0.75, 3: 0.5}


def test_an_option_nobody_offered_is_refused():
    with pytest.raises(UnsupportedLabels, match="'cow' is not one of the options"):
        fit_multiple([(1, 1, ticked("cow"))], OPTIONS, by_majority)


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 3)),
        st.frozensets(st.sampled_from(OPTIONS)),
        min_size=1,
    ),
    st.data(),
)
def test_the_order_of_answers_does_not_matter_and_a_unanimous_set_wins(given_answers, data):
    answers = [(*pair, options) for pair, options in given_answers.items()]
    shuffled = data.draw(st.permutations(answers))

    fit = fit_multiple(answers, OPTIONS, by_majority)

    assert fit_multiple(shuffled, OPTIONS, by_majority) == fit
    for task, chosen in fit.consensus.items():
        sets = {options for of_task, _, options in answers if of_task == task}
        assert 0 < chosen.confidence <= 1
        assert len(sets) > 1 or sets == {frozenset(chosen.options)}
