from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from tasks.aggregation.detection import Ballots, detect


def vote(*rows):
    """Let each row be a worker's drawings, one character per candidate: x drawn, . not."""
    drew = np.array([[mark == "x" for mark in row] for row in rows]).T
    candidates, workers = drew.shape
    ballots = Ballots(
        np.repeat(np.arange(candidates), workers),
        np.tile(np.arange(workers), candidates),
        drew.ravel(),
    )
    return detect(ballots, np.ones(candidates), workers)


def test_among_strangers_the_majority_decides_and_a_tie_is_left_out():
    assert vote("x", "x", ".").real.tolist() == [True]
    assert vote("x", ".", ".").real.tolist() == [False]
    assert vote("x", ".").real.tolist() == [False]


def test_what_one_stranger_alone_drew_is_real_four_times_out_of_five():
    assert vote("x").probabilities.tolist() == pytest.approx([0.8])


def test_the_evidence_adds_up_to_the_log_odds():
    detection = vote("xx.", "x.x", "xx.")

    assert detection.evidence.reshape(3, 3).sum(axis=1) == pytest.approx(detection.log_odds)


def test_workers_who_are_usually_right_outvote_as_many_who_are_not():
    truth = np.arange(400) % 2 == 0
    careful = "".join("x" if real else "." for real in truth) + "x."
    odd = "x" * 200 + "." * 200 + ".x"  # says nothing about what is real
    lazy = "." * 400 + ".x"

    detection = vote(careful, careful, careful, odd, lazy, odd, lazy)

    assert detection.real[-2:].tolist() == [True, False]
    assert detection.weights[:3].min() > 2 * detection.weights[3:].max()


def test_who_draws_only_what_is_not_there_counts_for_nothing_not_backwards():
    others, contrary = "x" * 300 + "." * 300, "." * 300 + "x" * 300

    detection = vote(others, others, others, contrary)

    assert detection.weights[3] == pytest.approx(0, abs=1e-9)
    assert detection.real.tolist() == [True] * 300 + [False] * 300


@pytest.mark.parametrize(("workers", "candidates"), [(2, 3), (3, 2), (3, 3), (4, 2)])
def test_a_worker_who_draws_nothing_never_makes_anything_real(workers, candidates):
    columns = [column for column in product("x.", repeat=workers) if "x" in column]
    for chosen in combinations_with_replacement(columns, candidates):
        rows = ["".join(row) for row in zip(*chosen, strict=True)]

        before, after = vote(*rows).real, vote(*rows, "." * candidates).real

        assert not (after & ~before).any(), rows


def test_no_candidates_are_no_problem():
    empty = np.zeros(0, int)

    detection = detect(Ballots(empty, empty, empty.astype(bool)), np.zeros(0), 2)

    assert detection.real.tolist() == []
