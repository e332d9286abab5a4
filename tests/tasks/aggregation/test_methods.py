from __future__ import annotations

import subprocess
import sys

import pytest

from tasks.aggregation import methods
from tasks.aggregation.errors import UnknownMethod
from tasks.aggregation.labels import Label, Reading
from tasks.aggregation.majority import majority
from tasks.aggregation.ratings import fit_ratings

LABELS = [Label(1, 1, "cat"), Label(1, 2, "cat"), Label(2, 1, "dog")]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("dawid_skene", "dawid_skene"),
        ("DawidSkene", "dawid_skene"),
        ("DAWID-SKENE", "dawid_skene"),
        ("OneCoinDawidSkene", "one_coin_dawid_skene"),
        ("MMSR", "mmsr"),
        ("TextHRRASA", "text_hrrasa"),
        ("CrowdkitDawidSkene", "crowdkit_dawid_skene"),
    ],
)
def test_a_method_answers_to_its_own_name_and_to_crowd_kits(name, method):
    assert methods.canonical_name(name) == method


def test_an_unknown_name_is_refused_with_the_list_of_names():
    with pytest.raises(UnknownMethod, match=r"no method 'divination'.*dawid_skene, .*text_rasa"):
        methods.fit("divination", LABELS)


def test_the_majority_vote_is_our_own():
    assert methods.fit("MajorityVote", LABELS) == majority(LABELS)


def test_crowd_kits_twins_of_our_methods_are_named_after_them_and_offered_to_no_project():
    assert {name.removeprefix("crowdkit_") for name in methods.ORIGINALS} <= methods.METHODS.keys()
    assert not methods.ORIGINALS.keys() & methods.METHODS.keys()


def test_a_method_for_other_answers_than_labels_is_refused_with_those_for_labels():
    with pytest.raises(UnknownMethod, match=r"no method 'bradley_terry'.*majority_vote"):
        methods.fit("bradley_terry", LABELS)
    with pytest.raises(UnknownMethod, match=r"no method 'majority_vote'.*crowd_bradley_terry"):
        methods.fit_comparisons("majority_vote", [])


def test_each_name_belongs_to_one_group():
    groups = [
        methods.CLASSIFICATION, methods.TEXTS, methods.ORIGINALS, methods.COMPARISONS,
        methods.EMBEDDINGS, methods.MULTIPLE, methods.MASKS, methods.VALUES,
    ]  # fmt: skip

    assert sum(len(group) for group in groups) == len(methods.ALL)
    assert methods.METHODS.keys() == methods.CLASSIFICATION.keys() | methods.TEXTS.keys()


@pytest.mark.parametrize(
    ("method", "values", "found"),
    [
        ("robust_number", [2.0, 2.0, 2.0], 2.0),
        ("OrdinalPool", [4, 4, 4], 4),
        ("weighted-kemeny", [["b", "a"]] * 3, ["b", "a"]),
    ],
)
def test_values_have_their_methods(method, values, found):
    readings = [Reading(task, w, value) for task in range(2) for w, value in enumerate(values)]

    assert methods.fit_values(method, readings).consensus[0].value == found


def test_levels_of_ratings_are_those_given_unless_said():
    readings = [Reading(0, 0, 1), Reading(0, 1, 3), Reading(0, 2, 3)]

    assert methods.fit_values("ordinal_pool", readings) == fit_ratings(readings, (1, 3))
    assert methods.fit_values("ordinal_pool", readings, levels=(1, 5)) == fit_ratings(
        readings, (1, 5)
    )
    assert methods.fit_values("ordinal_pool", []).consensus == {}


@pytest.mark.parametrize("method", ["dawid_skene", "glad", "mace", "online"])
def test_our_own_methods_do_without_crowd_kit(method):
    program = (
        "import sys; from tasks.aggregation.methods import fit; from tasks.aggregation.labels "
        f"import Label; fit({method!r}, [Label(1, 1, 'a'), Label(1, 2, 'b'), Label(2, 1, 'b')]); "
        "print(sorted({'crowdkit', 'pandas', 'sklearn', 'django'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert found.stdout.strip() == b"[]"


def test_neither_the_names_nor_the_majority_vote_need_crowd_kit():
    program = (
        "import sys; from tasks.aggregation.methods import fit; from tasks.aggregation.labels "
        "import Label; fit('majority_vote', [Label(1, 1, 'cat')]); "
        "print(sorted({'crowdkit', 'pandas', 'numpy', 'scipy', 'django'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert found.stdout.strip() == b"[]"
