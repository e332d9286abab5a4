"""Pairs and rankings, and in which order an assignment shows what is to choose from."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Checker, Option, Pairwise, Ranking, parse, shown_flipped, shown_order

PAIR = {"type": "pairwise", "name": "better", "left": "${a}", "right": "${b}"}
ORDER = {"type": "ranking", "name": "order", "items": ["x", "y", {"value": "z", "label": "Zett"}]}
LABEL = {"type": "choice", "name": "label", "options": ["a", "b", "c", "d"]}


def check(element, answer):
    return Checker(parse([element])).check(answer)[element["name"]]


def test_a_pair_and_a_ranking_are_read():
    pair, ranking = parse([PAIR, ORDER]).questions

    assert pair == Pairwise("better", required=True, title="", left="${a}", right="${b}", tie=False)
    assert isinstance(ranking, Ranking)
    assert (ranking.items[2], ranking.top) == (Option("z", "Zett"), 3)
    assert parse([PAIR]).fields == {"a", "b"}


def test_a_tie_is_an_answer_only_where_it_is_offered():
    assert check({**PAIR, "tie": True}, "tie") == "tie"
    with pytest.raises(InvalidAnswer, match=r"'better' must be one of 'left', 'right'\.$"):
        check(PAIR, "tie")


def test_a_ranking_keeps_its_order():
    assert check(ORDER, ["z", "x", "y"]) == ["z", "x", "y"]
    assert check({**ORDER, "top": 1}, ["y"]) == ["y"]


@pytest.mark.parametrize("answer", [["x", "y"], ["x", "y", "x"], ["x", "y", "w"], "x", ["x"] * 4])
def test_a_ranking_has_every_item_once(answer):
    with pytest.raises(InvalidAnswer, match="a list of 3 different items, best first, of 'x', 'y'"):
        check(ORDER, {"order": answer})


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({**PAIR, "left": ""}, 'needs a "left" such as'),
        ({**PAIR, "right": "${"}, "write a field of the input"),
        ({**PAIR, "tie": 1}, '"tie" must be true or false'),
        ({**PAIR, "shuffle": True}, "does not know 'shuffle'"),
        ({**ORDER, "items": ["x"]}, '"items" must be a list of 2 to 1000 options'),
        ({**ORDER, "top": 4}, '"top" must be a number from 1 to 3'),
        ({**ORDER, "options": ["x"]}, "does not know 'options'"),
        ({**LABEL, "shuffle": "yes"}, '"shuffle" must be true or false'),
    ],
)
def test_a_faulty_comparison_is_refused(element, message):
    with pytest.raises(InvalidInterface, match=message):
        parse([element])


def test_options_are_shown_as_written_unless_they_are_shuffled():
    (label,) = parse([LABEL]).questions

    assert shown_order(label, 7) == ["a", "b", "c", "d"]


def test_shuffled_options_are_in_the_order_of_their_hashes():
    (label,) = parse([{**LABEL, "shuffle": True}]).questions
    hashes = {sha256(f"7:label:{value}".encode()).hexdigest(): value for value in "abcd"}

    assert shown_order(label, 7) == [hashes[each] for each in sorted(hashes)]


def test_over_many_assignments_every_option_is_first_about_equally_often():
    (label,) = parse([{**LABEL, "shuffle": True}]).questions
    first = [shown_order(label, number)[0] for number in range(4_000)]

    assert all(900 < first.count(value) < 1_100 for value in "abcd")


def test_about_half_of_the_assignments_show_a_pair_the_other_way_round():
    (pair,) = parse([PAIR]).questions
    flipped = [shown_flipped(pair, number) for number in range(1_000)]

    assert flipped == [
        sha256(f"{number}:better".encode()).hexdigest()[0] in "89abcdef" for number in range(1_000)
    ]
    assert 450 < sum(flipped) < 550


def test_two_questions_of_one_assignment_are_shuffled_apart():
    names = [f"q{n}" for n in range(50)]
    questions = parse([{**PAIR, "name": name} for name in names]).questions

    assert len({shown_flipped(question, 1) for question in questions}) == 2
