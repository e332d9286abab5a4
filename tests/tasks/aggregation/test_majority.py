from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority
from tests.tasks.aggregation.strategies import labels, renamed, shuffles


def test_the_label_most_workers_gave_wins_with_its_share_of_the_votes():
    fit = majority([Label(7, 1, "cat"), Label(7, 2, "dog"), Label(7, 3, "cat")])

    assert fit.consensus == {7: Consensus("cat", 2 / 3)}


def test_a_tie_goes_to_the_alphabetically_first_label():
    fit = majority([Label(7, 1, "dog"), Label(7, 2, "cat")])

    assert fit.consensus == {7: Consensus("cat", 1 / 2)}


def test_no_labels_give_an_empty_fit():
    assert majority([]) == Fit({}, {})


def test_a_workers_skill_is_their_agreement_with_the_majority_of_the_others():
    fit = majority(
        [
            *(Label(1, worker, "cat") for worker in (1, 2, 3)),
            Label(1, 4, "dog"),
            *(Label(2, worker, "dog") for worker in (1, 2, 3, 4)),
        ]
    )

    assert fit.skills == {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.5}


def test_a_workers_own_vote_does_not_count_for_their_skill():
    fit = majority([Label(1, 1, "cat"), Label(1, 2, "dog")])

    assert fit.skills == {1: 0.0, 2: 0.0}


def test_where_the_others_are_tied_agreeing_with_one_of_two_counts_half():
    fit = majority([Label(1, 1, "cat"), Label(1, 2, "cat"), Label(1, 3, "dog")])

    assert fit.skills == {1: 0.5, 2: 0.5, 3: 0.0}


def test_a_worker_nobody_can_be_compared_with_has_no_skill():
    fit = majority([Label(1, 1, "cat"), Label(2, 2, "cat"), Label(2, 3, "cat")])

    assert fit.skills == {2: 1.0, 3: 1.0}


@given(labels(), st.data())
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(given_labels, data):
    names = data.draw(shuffles(range(5)))
    shuffled = data.draw(shuffles(renamed(given_labels, names)))

    fit, other = majority(given_labels), majority(shuffled)

    assert other.consensus == fit.consensus
    assert other.skills == {names[worker]: skill for worker, skill in fit.skills.items()}


@given(labels())
def test_confidence_and_skill_are_shares_and_every_task_is_decided(given_labels):
    fit = majority(given_labels)

    assert fit.consensus.keys() == {label.task for label in given_labels}
    assert all(0 < consensus.confidence <= 1 for consensus in fit.consensus.values())
    assert all(0 <= skill <= 1 for skill in fit.skills.values())
