"""Every example of docs/interfaces.md is an interface with an answer in canonical form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tasks.interface import (
    DISPLAYS,
    MAX_ELEMENTS,
    MAX_MARKS,
    MAX_OPTIONS,
    MAX_PAGES,
    MAX_QUESTIONS,
    QUESTIONS,
    Checker,
    parse,
)

PAGE = (Path(__file__).resolve().parents[3] / "docs/interfaces.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TYPES = [*QUESTIONS, "survey"]


@pytest.mark.parametrize("kind", TYPES)
def test_the_example_of_every_type_has_an_answer_in_canonical_form(kind):
    element, answer = map(json.loads, re.findall(r"```json\n(.*?)```", SECTIONS[kind], re.DOTALL))

    checker = Checker(parse(element if isinstance(element, list) else [element]))

    assert f'"type": "{kind}"' in SECTIONS[kind]
    assert repr(checker.check(answer)) == repr(answer)


def test_every_display_is_listed():
    assert {kind for kind in DISPLAYS if f"`{kind}`" not in SECTIONS["Showing"]} == set()


def test_the_limits_are_those_of_the_code():
    limits = re.findall(r"\| ([\d,]+) \|$", SECTIONS["Limits"], re.MULTILINE)

    assert [int(limit.replace(",", "")) for limit in limits] == [
        MAX_ELEMENTS,
        MAX_PAGES,
        MAX_QUESTIONS,
        MAX_OPTIONS,
        MAX_MARKS,
    ]
