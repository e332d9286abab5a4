"""Models behind an address: asked about new tasks, over real HTTP, and never trusted."""

from __future__ import annotations

import logging

import pytest
from django.test import override_settings

from marketplace import ask_backends, jobs
from tasks import aggregate, answer, distribute
from tasks.assist import predict, predictions
from tasks.models import Assignment, Batch, Consensus, Prediction, Predictor
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_worker,
    drafted_batch,
    never_gold,
    published_batch,
)
from tests.fakes_ml_backend import running
from tests.marketplace.clients import api, rows_of
from tests.tasks.predicting import ids_of, use
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db
CAT = {"label": "cat"}


@pytest.fixture
def backend():
    with running() as server:
        yield server


def register(project, url, **fields):
    return predict.register(
        project=project,
        url=url,
        actor=project.requester,
        now=NOON,
        **{"name": "cats", "kind": "backend", **fields},
    )


def asking(backend, tasks=3, **fields):
    batch = published_batch(tasks=tasks, **fields)
    register(batch.project, backend.url)
    return batch


def ask(now=NOON, **limits):
    return ask_backends.ask_backends(now=now, allow_private=True, **limits)


def stored(batch):
    rows = Prediction.objects.filter(task__batch=batch).order_by("task")
    return list(rows.values_list("value", "score"))


def results(*parts):
    return {"results": [{"result": part, "score": 0.7} for part in parts]}


def said(choice):
    return [
        {
            "from_name": "label",
            "to_name": "text-0",
            "type": "choices",
            "value": {"choices": [choice]},
        }
    ]


def test_a_model_is_asked_about_every_task_once(backend):
    batch = asking(backend)

    assert (ask(), ask()) == (3, 0)

    assert stored(batch) == [(CAT, 0.9)] * 3
    [(method, path, body)] = backend.asked
    assert (method, path) == ("POST", "/predict")
    assert [each["id"] for each in body["tasks"]] == ids_of(batch)


def test_many_tasks_are_asked_about_a_request_at_a_time(backend, monkeypatch):
    batch = asking(backend, tasks=5)
    monkeypatch.setattr(ask_backends, "AT_ONCE", 2)
    monkeypatch.setattr(ask_backends, "TASKS_MAX", 3)

    assert [ask(), ask()] == [4, 1]

    assert [len(body["tasks"]) for *_, body in backend.asked] == [2, 2, 1]
    assert len(stored(batch)) == 5


def test_a_draft_has_its_predictions_before_it_is_published(backend):
    batch = drafted_batch(tasks=2)
    register(batch.project, backend.url)

    assert ask() == 2


@pytest.mark.django_db(transaction=True)
def test_a_model_that_another_run_is_asking_is_left_to_it(backend):
    batch = asking(backend)
    predictor = Predictor.objects.get()

    with locked("SELECT pg_advisory_lock(%s, %s)", ask_backends.ASK, predictor.pk):
        assert ask() == 0

    assert stored(batch) == []
    assert ask() == 3


def test_only_the_newest_version_is_asked(backend):
    batch = asking(backend, tasks=1)
    newest = register(batch.project, backend.url, version="2")

    ask()

    assert Prediction.objects.get().predictor == newest


def test_an_address_inside_the_network_is_not_called_unless_a_setting_allows_it(backend):
    asking(backend)

    assert ask_backends.ask_backends(now=NOON, allow_private=False) == 0
    with override_settings(ML_BACKEND_ALLOW_PRIVATE=False):
        assert jobs.ask_backends() == 0
    assert (backend.asked, Prediction.objects.count()) == ([], 0)
    with override_settings(ML_BACKEND_ALLOW_PRIVATE=True):
        assert jobs.ask_backends() == 3


def test_a_server_that_fails_is_asked_again_at_the_next_run(backend, caplog):
    batch = asking(backend)
    backend.status["/predict"] = 500

    with caplog.at_level(logging.WARNING):
        assert ask() == 0

    assert "answered with the error 500" in caplog.text
    assert stored(batch) == []
    backend.status.clear()
    assert ask() == 3


def test_a_server_that_fails_does_not_keep_others_waiting(backend):
    broken = published_batch(tasks=1)
    register(broken.project, "http://127.0.0.1:1")
    good = asking(backend, tasks=1)

    assert ask() == 1

    assert stored(good) == [(CAT, 0.9)]


def test_a_task_of_which_a_model_says_nothing_that_fits_is_not_asked_again(backend):
    batch = asking(backend)
    backend.answers["/predict"] = results([], said("cow"), said("dog"))

    assert (ask(), ask()) == (3, 0)

    assert stored(batch) == [({}, None), ({}, None), ({"label": "dog"}, 0.7)]
    assert predictions.model_of(batch).name == "cats"


def test_a_model_with_nothing_to_say_is_no_model(backend):
    batch = asking(backend, tasks=1)
    backend.answers["/predict"] = results([])
    ask()

    assert predictions.model_of(batch) is None


def test_a_run_ends_when_its_time_is_up(backend):
    asking(backend)

    assert ask(seconds=-1.0) == 0
    assert backend.asked == []


def test_an_interface_the_protocol_has_no_words_for_is_logged(backend, caplog):
    ranking = [{"type": "pairwise", "name": "better", "left": "${a}", "right": "${b}"}]
    project = a_project(interface=ranking)
    batch = Batch.objects.get(pk=published_batch(tasks=1).pk)
    Batch.objects.filter(pk=batch.pk).update(project=project, version=project.latest)
    register(project, backend.url)

    with caplog.at_level(logging.WARNING):
        assert ask() == 0

    assert "no form" in caplog.text


def test_from_a_server_s_word_to_what_workers_made_of_it(backend):
    """The whole way: registered, asked, shown, corrected, combined with the model's voice, told."""
    requester = published_batch(tasks=1).project.requester
    batch = published_batch(
        tasks=3, project=a_project(requester=requester), aggregation="majority_vote"
    )
    client = api(requester)
    path = f"projects/{batch.project_id}/predictors"
    made = client.post(path, {"name": "cats", "kind": "backend", "url": backend.url})
    assert made.status_code == 201
    assert client.send("PUT", f"batches/{batch.pk}/model", {"prelabels": True}).status_code == 200
    backend.answers["/predict"] = results(said("cat"), said("cat"), [])
    assert ask() == 3

    worker = a_worker()
    handout = distribute.claim(batch_id=batch.pk, worker=worker, count=3, now=NOON, draw=never_gold)
    by_task = sorted(handout.assignments, key=lambda each: each.task_id)
    assert [each.suggestion for each in by_task] == [CAT, CAT, None]
    held = api(worker).get("assignments").json()
    assert sorted(str(each["suggestion"]) for each in held) == ["None", str(CAT), str(CAT)]
    for each, label in zip(by_task, ["cat", "dog", "dog"], strict=True):
        answer.submit(assignment_id=each.id, worker=worker, answer=label, now=NOON)
    aggregate.aggregate(batch=use(batch, votes=True), now=NOON + HOUR)

    told = rows_of(client.get(f"batches/{batch.pk}/answers"))
    assert [each["suggestion"] for each in sorted(told, key=lambda each: each["task"])] == [
        "accepted",
        "changed",
        "none",
    ]
    assert Consensus.objects.filter(task__batch=batch).count() == 3
    assert Predictor.objects.get().kind == "backend"
    assert Assignment.objects.filter(suggestion__isnull=False).count() == 2
