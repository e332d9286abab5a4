from __future__ import annotations

import numpy as np
import pytest

from tasks.aggregation.calibration import fit_exponent
from tasks.forecasting.closing import closed_draws, exponents


def rng():
    return np.random.default_rng(0)


def test_without_gold_no_temperature_is_drawn():
    assert set(exponents(np.zeros((0, 2)), np.zeros(0, int), rng())) == {1.0}


def test_gold_tasks_all_alike_give_the_exponent_that_the_batch_would_use():
    evidence, truth = np.tile([0.9, 0.1], (20, 1)), np.zeros(20, int)

    found = exponents(evidence, truth, rng())

    assert set(found) == {fit_exponent(evidence, truth)}


def test_drawn_exponents_scatter_around_the_fitted_one():
    evidence = np.tile([0.97, 0.03], (30, 1))
    truth = (np.arange(30) < 6).astype(int)

    found = exponents(evidence, truth, rng())

    fitted = fit_exponent(evidence, truth)
    assert np.median(found) == pytest.approx(fitted, rel=0.1)
    assert found.min() < fitted < found.max()


def test_the_share_closed_is_the_share_that_reaches_the_target():
    evidence = np.array([[0.99, 0.01]] * 60 + [[0.8, 0.2]] * 40)

    found = closed_draws(evidence, np.ones(400), 0.95, gold=True, random=rng())

    assert np.median(found) == pytest.approx(0.6, abs=0.03)


def test_a_lower_exponent_closes_fewer_tasks():
    evidence = np.array([[0.99, 0.01]] * 60 + [[0.8, 0.2]] * 40)

    found = closed_draws(evidence, np.full(400, 0.5), 0.95, gold=True, random=rng())

    assert np.median(found) < 0.05


def test_without_gold_the_share_is_less_sure():
    evidence = np.array([[0.99, 0.01]] * 60 + [[0.8, 0.2]] * 40)

    told = closed_draws(evidence, np.ones(400), 0.95, gold=True, random=rng())
    blind = closed_draws(evidence, np.ones(400), 0.95, gold=False, random=rng())

    assert blind.std() > 1.2 * told.std()
