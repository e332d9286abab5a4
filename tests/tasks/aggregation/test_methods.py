from __future__ import annotations

import subprocess
import sys

import pytest

from tasks.aggregation import methods
from tasks.aggregation.errors import UnknownMethod
from tasks.aggregation.labels import Label
from tasks.aggregation.majority import majority

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


@pytest.mark.parametrize("method", ["dawid_skene", "glad", "mace"])
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
