from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ANSWERS = """\
task,worker,label
t1,ann,cat
t1,bob,cat
t1,eve,dog
t2,ann,dog
t2,bob,dog
"""


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "answers.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def run(*arguments: Any, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("aggregate", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_it_prints_task_label_and_confidence_as_csv(write):
    out, err = run(write(ANSWERS), method="majority_vote")

    assert out == "task,label,confidence\nt1,cat,0.666667\nt2,dog,1.000000\n"
    assert err == ""


def test_json_has_the_method_the_tasks_and_the_workers_skill(write):
    out, _ = run(write(ANSWERS), method="MajorityVote", json=True)

    assert json.loads(out) == {
        "method": "majority_vote",
        "tasks": [
            {"task": "t1", "label": "cat", "confidence": 2 / 3},
            {"task": "t2", "label": "dog", "confidence": 1.0},
        ],
        "workers": [
            {"worker": "ann", "skill": 0.75},
            {"worker": "bob", "skill": 0.75},
            {"worker": "eve", "skill": 0.0},
        ],
        "accuracy": None,
    }


def test_with_the_truth_it_says_how_many_tasks_came_out_right(write):
    truth = write("label,task\ncat,t1\ncow,t2\ncow,t9\n", "truth.csv")

    out, err = run(write(ANSWERS), method="majority_vote", json=True, truth=truth)

    assert json.loads(out)["accuracy"] == 0.5
    assert err == "accuracy 0.5000 on 2 tasks\n"


def test_gold_tasks_are_not_counted_in_the_accuracy(write):
    truth = write("task,label\nt1,cat\nt2,cow\n", "truth.csv")
    gold = write("task,label\nt1,cat\n", "gold.csv")

    out, _ = run(write(ANSWERS), method="majority_vote", json=True, truth=truth, gold=gold)

    assert json.loads(out)["accuracy"] == 0.0


def test_columns_come_in_any_order_with_others_between_after_a_byte_order_mark(write):
    rows = '\ufeffLabel , seconds,TASK,worker\r\n"a, b",3,1,ann\r\n\r\n"a, b",,1,bob\r\n'

    out, _ = run(write(rows), method="majority_vote")

    assert out == 'task,label,confidence\n1,"a, b",1.000000\n'


def test_of_repeated_answers_the_first_counts_and_the_rest_are_reported(write):
    out, err = run(write(ANSWERS + "t1,ann,dog\nt2,bob,cat\n"), method="majority_vote")

    assert "t1,cat,0.666667" in out
    assert err == "2 repeated answers left out\n"


def test_the_order_of_the_rows_does_not_change_the_result(write):
    header, *rows = ANSWERS.splitlines()
    backwards = "\n".join([header, *reversed(rows)])

    out, _ = run(write(ANSWERS), method="majority_vote")
    other, _ = run(write(backwards, "backwards.csv"), method="majority_vote")

    assert sorted(other.splitlines()) == sorted(out.splitlines())


def test_a_file_without_answers_has_no_tasks(write):
    out, _ = run(write("task,worker,label\n"), method="majority_vote")

    assert out == "task,label,confidence\n"


def test_the_list_names_every_method():
    out, _ = run(list=True)

    assert "\nglad " in out
    assert "\ntext_rasa " in out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: no column 'task'; the first line must name the columns task, worker, label"),
        ("task,label\n1,cat\n", "line 1: no column 'worker'"),
        ("task,worker,label\n1,ann,cat\n2,bob\n", "line 3: 2 columns, but line 1 has 3"),
        ("task,worker,label\n1,ann,cat\n2,bob,\n", "line 3: the label is empty"),
        ("task,worker,label\n,ann,cat\n", "line 2: the task is empty"),
        ('task,worker,label\n1,ann,"cat"s\n', "line 2: .*expected"),
        (b"task,worker,label\n1,ann,\xff\n", "this is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_line(write, content, message):
    with pytest.raises(CommandError, match=message):
        run(write(content), method="majority_vote")


def test_a_missing_file_a_missing_method_and_an_unknown_one_are_refused(write, tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.csv: No such file"):
        run(tmp_path / "nowhere.csv", method="majority_vote")
    with pytest.raises(CommandError, match="Give a file and a --method"):
        run(write(ANSWERS))
    with pytest.raises(CommandError, match="no method 'divination'"):
        run(write(ANSWERS), method="divination")


def test_the_online_method_learns_from_gold(write):
    gold = write("task,label\nt1,dog\n", "gold.csv")

    plain, _ = run(write(ANSWERS), method="Online", json=True)
    taught, _ = run(write(ANSWERS), method="Online", json=True, gold=gold)

    skills = [
        {row["worker"]: row["skill"] for row in json.loads(out)["workers"]}
        for out in (plain, taught)
    ]
    assert skills[1]["eve"] > skills[0]["eve"]
    assert skills[1]["ann"] < skills[0]["ann"]


def test_comparisons_give_items_and_scores_best_first(write):
    rows = "worker,left,right,label\nann,x,y,x\nbob,x,y,left\nann,y,z,y\neve,z,x,right\n"

    out, _ = run(write(rows), method="crowd_bradley_terry")
    as_json, _ = run(write(rows), method="CrowdBradleyTerry", json=True)

    assert [line.split(",")[0] for line in out.splitlines()] == ["item", "x", "y", "z"]
    report = json.loads(as_json)
    assert report["method"] == "crowd_bradley_terry"
    assert [row["item"] for row in report["items"]] == ["x", "y", "z"]


def test_a_winner_that_was_not_compared_is_refused(write):
    with pytest.raises(CommandError, match="'w' is neither 'x' nor 'y'"):
        run(write("worker,left,right,label\nann,x,y,w\n"), method="bradley_terry")


@pytest.mark.parametrize(
    ("method", "value"),
    [("robust_number", "3.0"), ("ordinal_pool", "3"), ("closest_to_average", "3.0")],
)
def test_numbers_have_their_methods(write, method, value):
    rows = "task,worker,label\n" + "".join(f"t{task},{w},3\n" for task in "12" for w in "abc")

    out, _ = run(write(rows), method=method)

    assert out.splitlines()[1].startswith(f"t1,{value},")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("robust_number", "'cat' is not a number"),
        ("ordinal_pool", "'cat' is not a whole number"),
        ("binary_relevance", "binary_relevance reads answers that do not fit"),
    ],
)
def test_answers_of_another_kind_are_refused(write, method, message):
    with pytest.raises(CommandError, match=message):
        run(write(ANSWERS), method=method)


def test_numbers_are_near_or_far_and_have_no_accuracy(write):
    truth = write("task,label\nt1,3\n", "truth.csv")

    out, err = run(
        write("task,worker,label\nt1,a,3\n"), method="robust_number", truth=truth, json=True
    )

    assert json.loads(out)["accuracy"] is None
    assert err == ""
