from __future__ import annotations

from tasks.aggregation.labels import Reading
from tasks.aggregation.regions import fit_regions


def region(start, end, label="speech"):
    return {"label": label, "start": start, "end": end}


def fit_one(*answers):
    return fit_regions([Reading(1, worker, answer) for worker, answer in enumerate(answers)])


def test_start_and_end_are_each_the_median():
    fit = fit_one([region(1.0, 5.5)], [region(1.5, 5.25)], [region(1.25, 9.0)])

    assert fit.consensus[1].value == [region(1.25, 5.5)]


def test_a_region_nobody_else_heard_is_left_out():
    shared, alone = region(1, 2), region(8, 9, "music")

    assert fit_one([shared, alone], [shared], [shared]).consensus[1].value == [shared]
