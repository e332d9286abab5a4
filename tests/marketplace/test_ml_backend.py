from __future__ import annotations

import base64
import json

import pytest

from marketplace import ml_backend
from marketplace.backend_http import Access
from marketplace.ml_backend import (
    BackendAnswerInvalid,
    BackendRefused,
    BackendUnreachable,
    Prediction,
)
from tests import fakes_ml_backend

HERE = Access(allow_private=True, timeout_seconds=10)
CONFIG = "<View/>"
TASKS = {7: {"url": "a.jpg"}, 3: {"url": "b.jpg"}}
CAT = {
    "from_name": "label",
    "to_name": "image-1",
    "type": "choices",
    "value": {"choices": ["cat"]},
}


@pytest.fixture
def backend():
    with fakes_ml_backend.running() as backend:
        yield backend


def predict(backend, tasks=TASKS, access=HERE):
    return ml_backend.predict(backend.url, tasks, project=5, config=CONFIG, access=access)


def test_a_server_that_is_up_tells_its_models_name(backend):
    assert ml_backend.health(backend.url, HERE) == "Cats"
    assert backend.asked == [("GET", "/health", None)]


def test_a_server_that_is_not_up_is_no_answer_to_work_with(backend):
    backend.answers["/health"] = {"status": "DOWN"}

    with pytest.raises(BackendAnswerInvalid, match="UP"):
        ml_backend.health(backend.url, HERE)


def test_setup_sends_the_config_as_schema_and_returns_the_version(backend):
    assert ml_backend.setup(backend.url, project=5, config=CONFIG, access=HERE) == "cats-1"
    assert backend.asked == [
        (
            "POST",
            "/setup",
            {"project": "5", "schema": CONFIG, "hostname": "", "access_token": ""},
        )
    ]


def test_predictions_come_back_one_for_each_task_in_order(backend):
    assert predict(backend) == [
        Prediction(7, [CAT], 0.9, "cats-1"),
        Prediction(3, [CAT], 0.9, "cats-1"),
    ]
    assert backend.asked == [
        (
            "POST",
            "/predict",
            {
                "tasks": [
                    {"id": 7, "data": {"url": "a.jpg"}},
                    {"id": 3, "data": {"url": "b.jpg"}},
                ],
                "project": "5",
                "label_config": CONFIG,
                "params": {},
            },
        )
    ]


def test_no_tasks_are_not_asked_about(backend):
    assert predict(backend, tasks={}) == []
    assert backend.asked == []


def test_of_several_predictions_the_first_is_taken_and_none_is_an_empty_one(backend):
    backend.answers["/predict"] = {
        "results": [[{"result": [CAT]}, {"result": []}], []],
        "model_version": 3,
    }

    assert predict(backend) == [Prediction(7, [CAT], None, "3"), Prediction(3, [], None, "3")]


def test_a_path_of_the_servers_own_is_kept(backend):
    backend.answers["/models/cats/health"] = {"status": "UP"}

    assert ml_backend.health(f"{backend.url}/models/cats/", HERE) == ""


def test_a_name_and_password_in_the_address_are_sent_and_never_shown(backend):
    url = backend.url.replace("http://", "http://ann:s3cret@")

    ml_backend.health(url, HERE)

    said = base64.b64encode(b"ann:s3cret").decode()
    assert backend.received[0]["Authorization"] == f"Basic {said}"
    with pytest.raises(BackendUnreachable) as refusal:
        ml_backend.health("http://ann:s3cret@127.0.0.1:1", HERE)
    assert "s3cret" not in str(refusal.value)


def test_the_server_is_called_by_its_own_name(backend):
    port = backend.url.rsplit(":", 1)[1]

    ml_backend.health(f"http://localhost:{port}", HERE)

    assert backend.received[0]["Host"] == f"localhost:{port}"


def test_training_sends_an_event_with_the_examples_in_it(backend):
    examples = [{"id": 7, "data": {}, "annotations": [{"result": [CAT]}]}]

    ml_backend.train(backend.url, examples, project=5, config=CONFIG, access=HERE)

    assert backend.asked == [
        (
            "POST",
            "/webhook",
            {
                "action": "START_TRAINING",
                "project": {"id": 5, "label_config": CONFIG},
                "annotations": examples,
            },
        )
    ]


def test_a_server_without_events_is_trained_the_old_way(backend):
    backend.status["/webhook"] = 404

    ml_backend.train(backend.url, [], project=5, config=CONFIG, access=HERE)

    assert backend.asked[-1] == (
        "POST",
        "/train",
        {"annotations": [], "project": "5", "label_config": CONFIG, "params": {}},
    )


def test_a_server_that_cannot_train_is_not_asked_twice(backend):
    backend.status["/webhook"] = 500

    with pytest.raises(BackendRefused, match="error 500"):
        ml_backend.train(backend.url, [], project=5, config=CONFIG, access=HERE)
    assert len(backend.asked) == 1


def test_what_a_server_says_of_an_event_does_not_matter(backend):
    backend.answers["/webhook"] = b"thanks"

    ml_backend.notify(
        backend.url,
        "ANNOTATION_UPDATED",
        {"task": {"id": 7}, "annotation": {"result": [CAT]}},
        project=5,
        config=CONFIG,
        access=HERE,
    )

    assert backend.asked[0][2] == {
        "action": "ANNOTATION_UPDATED",
        "project": {"id": 5, "label_config": CONFIG},
        "task": {"id": 7},
        "annotation": {"result": [CAT]},
    }


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b'{"results": NaN}',
        b"[" * 100_000,
        b'{"results": ' + b"[" * 900 + b"]" * 900 + b"}",
        rb'{"results": [{"result": [{"value": "\u0000"}]}, {}]}',
        rb'{"results": [{"result": [{"\ud800": 1}]}, {}]}',
        {},
        {"results": {}},
        {"results": []},
        {"results": [{}]},
        {"results": [{}, {}, {}]},
        {"results": [{}, "cat"]},
        {"results": [{}, {"result": "cat"}]},
        {"results": [{}, {"result": ["cat"]}]},
        {"results": [{}, {"result": [], "score": "high"}]},
        {"results": [{}, {"result": [], "score": True}]},
        {"results": [{}, {"result": [], "score": 1.1}]},
        b'{"results": [{}, {"result": [], "score": 1e999}]}',
        {"results": [{}, {"result": [], "model_version": ["v"]}]},
        {"results": [{}, {"result": [], "model_version": "v" * 201}]},
    ],
    ids=lambda answer: f"{answer!r:.60}",
)
def test_what_is_no_prediction_is_refused(backend, answer):
    backend.answers["/predict"] = answer

    with pytest.raises(BackendAnswerInvalid):
        predict(backend)


def test_predictions_can_be_stored_as_json(backend):
    assert json.loads(json.dumps(predict(backend)[0].result)) == [CAT]
