from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.tasks.aggregation.crowds import crowd

CROWD = Path(__file__).resolve().parents[3] / "shared" / "data" / "crowd"


def files(folder: Path) -> tuple[Path, Path]:
    recording = crowd(tasks=60, overlap=6)
    answers, truth = folder / "answers.csv", folder / "truth.csv"
    rows = zip(*(column.tolist() for column in recording.answers), strict=True)
    answers.write_text(
        "task,worker,label\n" + "".join(f"t{t},w{w},{['no', 'yes'][k]}\n" for t, w, k in rows)
    )
    truth.write_text(
        "task,label\n"
        + "".join(f"t{t},{['no', 'yes'][k]}\n" for t, k in enumerate(recording.truth.tolist()))
    )
    return answers, truth


def run(*arguments: Any, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("replay", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_table_has_a_line_per_policy(tmp_path):
    answers, truth = files(tmp_path)

    out, _ = run(answers, truth=truth, budget=3.0)

    names = [line[:24].strip() for line in out.splitlines()]
    assert names == [
        "policy",
        "majority of 5",
        "dawid_skene of 5",
        "fixed 5",
        "gain",
        "target 0.95",
        "budget 3",
    ]


def test_json_has_what_was_read_and_what_each_policy_did(tmp_path):
    answers, truth = files(tmp_path)

    out, _ = run(answers, truth=truth, policy=["budget"], budget=3.0, json=True, gold=20)

    report = json.loads(out)
    assert {key: report[key] for key in ("tasks", "classes", "answers", "scored", "gold")} == {
        "tasks": 60,
        "classes": 2,
        "answers": 360,
        "scored": 60,
        "gold": 20,
    }
    (found,) = report["policies"]
    assert set(found) == {
        "policy",
        "answers",
        "answers_per_task",
        "most_answers",
        "accuracy",
        "calibration_error",
        "overconfidence",
        "target",
        "closed",
        "closed_accuracy",
        "exponent",
    }
    assert found["answers"] <= 180
    assert found["accuracy"] > 0.7


def test_the_same_seed_gives_the_same_result(tmp_path):
    answers, truth = files(tmp_path)

    first, second = (run(answers, truth=truth, policy=["gain"], shuffle=3)[0] for _ in range(2))

    assert first == second


def test_without_a_truth_accuracies_are_left_open(tmp_path):
    answers, _ = files(tmp_path)

    out, _ = run(answers, policy=["gain"], json=True)

    assert json.loads(out)["policies"][0]["accuracy"] is None


def test_a_file_where_all_agree_needs_no_more_than_the_minimum(tmp_path):
    answers = tmp_path / "answers.csv"
    rows = "".join(f"t{task},w{worker},cat\n" for task in range(3) for worker in range(5))
    answers.write_text("task,worker,label\n" + rows)

    out, _ = run(answers, policy=["gain"], json=True)

    assert json.loads(out)["policies"][0]["most_answers"] == 3


def test_repeated_answers_are_left_out_and_said_so(tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("task,worker,label\na,w,x\na,w,y\nb,w,y\n")

    _, err = run(answers, policy=["gain"])

    assert err == "1 repeated answers left out\n"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"target": 1.5}, "--target is a probability"),
        ({"budget": 0.0}, "must be positive"),
        ({"min": 20}, "The minimum must be from 1 to the maximum"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, problem):
    answers, _ = files(tmp_path)

    with pytest.raises(CommandError, match=problem):
        run(answers, **options)


def test_an_empty_file_is_refused(tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("task,worker,label\n")

    with pytest.raises(CommandError, match="there are no answers"):
        run(answers)


@pytest.mark.skipif(not CROWD.is_dir(), reason="the shared crowd data sets are not beside us")
def test_on_a_real_crowd_fewer_answers_do_as_well_as_five_each():
    folder = CROWD / "snow_rte"

    out, _ = run(
        folder / "answers.csv",
        truth=folder / "truth.csv",
        policy=["dawid-skene", "budget"],
        shuffle=1,
        json=True,
    )

    reference, adaptive = json.loads(out)["policies"]
    assert adaptive["answers_per_task"] <= 3.5
    assert adaptive["accuracy"] >= reference["accuracy"]
