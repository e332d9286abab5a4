"""docs/fair-work.md names a test for each of the ten points, and every test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "fair-work.md").read_text()
POINTS = ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2", "5.1", "5.2"]
SECTIONS = dict(re.findall(r"^## (\d\.\d) (.+?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))


def functions_of(path):
    tree = ast.parse(path.read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_each_of_the_ten_points_has_a_section():
    assert list(SECTIONS) == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_a_point_names_its_tests_and_what_is_left_to_the_operator(point):
    section = SECTIONS[point]
    (file,) = re.findall(r"^`tests/fairwork/(\w+\.py)`$", section, re.MULTILINE)
    rows = re.findall(r"^\| (?!Enforced|---)(.+?) \| (.+?) \|$", section, re.MULTILINE)
    named = {name for _, tests in rows for name in re.findall(r"`(test_\w+)`", tests)}

    assert rows
    assert all("`test_" in tests for _, tests in rows)
    written = {name for name in functions_of(HERE / file) if name.startswith("test_")}
    assert named == written
    assert "**The operator**" in section


def test_every_module_of_tests_belongs_to_a_point():
    named = set(re.findall(r"^`tests/fairwork/(\w+\.py)`$", PAGE, re.MULTILINE))

    assert {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name} == named
