from __future__ import annotations

import pytest

from marketplace.simulation.truth import UnreadableTruth, read

ASSIGNMENT = {
    "task": 12,
    "input": {"text": "meow", "n": 3},
    "interface": [
        {"type": "text", "value": "${text}"},
        {"type": "choice", "name": "label", "options": ["cat", "dog"]},
    ],
}


@pytest.fixture
def truth(tmp_path):
    def read_text(text: str, external_ids=None):
        path = tmp_path / "truth.csv"
        path.write_bytes(text.encode())
        return read(path, external_ids=external_ids or {})

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        "external_id,answer\nrow 1,cat\n",
        "task,answer\n12,cat\n",
        "text,answer\nmeow,cat\n",
        "n,answer\n3,cat\n",
        "text,label\nmeow,cat\n",
        "\ufefftext,label,other\r\nmeow,cat,\r\n",
    ],
)
def test_a_task_is_found_by_external_id_id_or_a_field_of_its_input(truth, text):
    known = truth(text, external_ids={12: "row 1"})

    assert known(ASSIGNMENT) == {"label": "cat"}


def test_nothing_is_known_of_other_tasks(truth):
    assert truth("text,answer\nwoof,dog\n")(ASSIGNMENT) == {}
    assert truth("external_id,answer\nrow 1,cat\n")(ASSIGNMENT) == {}
    assert truth("colour,answer\nred,cat\n")(ASSIGNMENT) == {}


def test_an_interface_may_be_written_as_an_object(truth):
    known = truth("text,answer\nmeow,cat\n")

    assert known({**ASSIGNMENT, "interface": {"elements": ASSIGNMENT["interface"]}}) == {
        "label": "cat"
    }


@pytest.mark.parametrize("text", ["", "text,answer\n", "text\nmeow\n", "text,answer\nmeow,cat,x\n"])
def test_a_file_without_answers_is_refused_with_an_example(truth, text):
    with pytest.raises(UnreadableTruth, match="external_id,answer"):
        truth(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"text,answer\n\xe9,cat\n")

    for name in ("missing.csv", "latin.csv"):
        with pytest.raises(UnreadableTruth, match=name):
            read(tmp_path / name, external_ids={})
