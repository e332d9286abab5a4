"""Models and their predictions, as a requester's programs meet them."""

from __future__ import annotations

import json

import pytest

from tasks.models import Batch, Prediction, Predictor
from tests.factories import a_project, a_requester, a_worker, published_batch, submitted
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, CSV, NDJSON, api, problem_of, rows_of
from tests.marketplace.evil import HEAVY, LITERALS
from tests.tasks.asking import ask
from tests.tasks.predicting import ids_of, push_all, use

pytestmark = pytest.mark.django_db
ROWS = [{"external_id": "0", "value": "cat", "score": 0.9}, {"external_id": "7", "value": "cat"}]


def mine(**fields):
    batch = published_batch(**fields)
    return batch, api(batch.project.requester)


def predictions_of(batch):
    return f"batches/{batch.pk}/predictions"


# Models


def test_a_registered_model_is_among_the_project_s_without_the_password_of_its_address():
    batch, client = mine()
    path = f"projects/{batch.project_id}/predictors"
    asked = {"name": "cats", "kind": "backend", "url": "https://me:secret@model.example/x"}

    made = client.post(path, asked)

    shown = {
        "id": A_NUMBER,
        "name": "cats",
        "version": "1",
        "kind": "backend",
        "url": "https://model.example/x",
        "created_at": AN_INSTANT,
    }
    assert (made.status_code, made.json()) == (201, shown)
    assert client.get(path).json()["results"] == [shown]
    assert Predictor.objects.get().url == asked["url"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "m", "kind": "oracle"}, 400, "invalid_request"),
        ({"name": " m", "kind": "pushed"}, 400, "invalid_request"),
        ({"name": "m" * 101, "kind": "pushed"}, 400, "invalid_request"),
        ({"name": "m", "kind": "pushed", "version": ""}, 400, "invalid_request"),
        ({"name": "m", "kind": "backend", "url": "ftp://model.example"}, 400, "invalid_request"),
        ({"name": "m", "kind": "backend", "url": 7}, 400, "invalid_request"),
        ({"name": "m", "kind": "backend"}, 422, "invalid_predictor"),
        ({"name": "m", "kind": "baseline", "version": "5"}, 422, "invalid_predictor"),
    ],
)
def test_a_model_that_cannot_be_registered_is_refused(body, status, code):
    batch, client = mine()

    refused = client.post(f"projects/{batch.project_id}/predictors", body)

    assert problem_of(refused) == (status, code)
    assert not Predictor.objects.exists()


# Predictions


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps(ROWS).encode()),
        (NDJSON, "\n".join(map(json.dumps, ROWS)).encode()),
    ],
)
def test_predictions_come_as_a_list_or_line_by_line(kind, body):
    batch, client = mine()

    sent = client.post(f"{predictions_of(batch)}?name=cats&version=7", body, kind)

    assert sent.status_code == 201
    assert sent.json() == {
        "predictor": A_NUMBER,
        "predictions": 1,
        "unchanged": 0,
        "rejected": 1,
        "rejections": [{"row": 2, "reason": "No task has the external_id '7' in this batch."}],
    }
    assert str(Predictor.objects.get()) == "cats 7"


def test_a_line_that_is_no_json_is_named_and_the_others_are_taken():
    batch, client = mine()

    sent = client.post(predictions_of(batch), b'{\n{"external_id": "0", "value": "cat"}', NDJSON)

    assert (sent.json()["predictions"], sent.json()["rejected"]) == (1, 1)
    assert "not acceptable JSON" in sent.json()["rejections"][0]["reason"]


def test_csv_is_no_kind_of_predictions():
    batch, client = mine()

    assert problem_of(client.post(predictions_of(batch), b"a,b", CSV))[0] == 415


@pytest.mark.parametrize("query", ["name=%20", "name=", "version=%00", f"version={'v' * 101}"])
def test_a_model_needs_a_name_that_can_be_read(query):
    batch, client = mine()

    refused = client.post(f"{predictions_of(batch)}?{query}", ROWS)

    assert problem_of(refused) == (400, "invalid_request")
    assert not Predictor.objects.exists()


def test_the_same_key_sends_once():
    batch, client = mine()

    first = client.post(predictions_of(batch), ROWS, idempotency_key="k")
    again = client.post(predictions_of(batch), ROWS, idempotency_key="k")

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("field", ["value", "score", "probabilities", "trained_on", "task"])
def test_every_field_of_a_row_refuses_evil_values_or_keeps_them(field):
    batch, _ = mine()
    client = api(batch.project.requester, errors_as_500=True)
    row = {"external_id": "0", "value": "cat"} if field != "task" else {"value": "cat"}
    for literal in LITERALS + HEAVY:
        Prediction.objects.all().delete()
        body = json.dumps([{**row, field: "<here>"}]).replace('"<here>"', literal)

        sent = client.post(predictions_of(batch), body.encode("utf-8", "surrogatepass"))

        assert sent.status_code < 500, (literal[:50], sent.content[:200])
        if sent.status_code >= 400:
            problem_of(sent)
        elif Prediction.objects.exists():
            assert Prediction.objects.get().value == {"label": "cat"}


# Order and use


def test_the_order_says_how_many_tasks_it_moved():
    batch, client = mine(tasks=2)
    push_all(batch, lambda _: "cat")

    assert client.post(f"batches/{batch.pk}/order").json() == {"tasks": 2}
    assert problem_of(client.post(f"batches/{batch.pk}/order", {"strategy": "luck"}))[0] == 400


def test_an_order_without_predictions_is_refused():
    batch, client = mine()

    assert problem_of(client.post(f"batches/{batch.pk}/order")) == (422, "invalid_order")


def test_what_is_left_out_of_a_use_is_off():
    batch, client = mine()
    client.put(f"batches/{batch.pk}/model", {"prelabels": True, "votes": True})

    said = client.put(f"batches/{batch.pk}/model", {"auto_label_error": 0.05})

    assert said.status_code == 200
    report = said.json()["report"]
    assert {**said.json(), "report": None} == {
        "prelabels": False,
        "votes": False,
        "auto_label_error": 0.05,
        "audit_rate": 0.05,
        "auto_labelled": 0,
        "report": None,
    }
    assert (report["threshold"], report["audited"], report["verdict"]) == (None, 0, "unknown")
    assert client.get(f"batches/{batch.pk}/model").json() == said.json()


@pytest.mark.parametrize(
    "body",
    [
        {"prelabels": 1},
        {"votes": "yes"},
        {"auto_label_error": 0},
        {"auto_label_error": 0.6},
        {"audit_rate": 0},
        {"audit_rate": None},
    ],
)
def test_a_use_that_makes_no_sense_is_refused(body):
    batch, client = mine()

    assert problem_of(client.put(f"batches/{batch.pk}/model", body))[0] == 400
    assert not Batch.objects.get().prelabels


# What workers and exports see


def test_a_worker_sees_the_suggestion_when_they_claim_and_in_what_they_hold():
    batch, _ = mine(tasks=2)
    use(batch, prelabels=True)
    client = api(a_worker())
    first, _ = ids_of(batch)
    api(batch.project.requester).post(predictions_of(batch), [{"task": first, "value": "dog"}])

    claimed = [client.post(f"batches/{batch.pk}/claim").json() for _ in range(2)]

    assert [each["suggestion"] for each in claimed] == [{"label": "dog"}, None]
    held = {each["id"]: each["suggestion"] for each in client.get("assignments").json()}
    assert held == {each["id"]: each["suggestion"] for each in claimed}


def test_answers_say_what_became_of_a_suggestion_that_answered_a_part():
    asked = [
        {"type": "choice", "name": "label", "options": ["cat", "dog"]},
        {"type": "choice", "name": "seen", "options": ["ear", "paw"], "multiple": True},
    ]
    batch = published_batch(tasks=3, project=a_project(interface=asked))
    use(batch, prelabels=True)
    suggested = [{"seen": ["ear", "paw"]}, {"seen": ["ear", "paw"]}, {"label": "dog"}]
    push_all(batch, lambda number: suggested[number])
    answered = [["paw", "ear"], ["ear"], ["ear"]]
    worker = a_worker()
    for number in range(3):
        [held] = ask(batch, worker).assignments
        said = {"label": "cat", "seen": answered[number]}
        api(worker).post(f"assignments/{held.id}/submit", {"answer": said})

    told = rows_of(api(batch.project.requester).get(f"batches/{batch.pk}/answers"))

    assert [each["suggestion"] for each in told] == ["accepted", "changed", "changed"]


def test_answers_given_without_a_suggestion_say_so_also_in_csv():
    batch, client = mine()
    submitted(batch)

    assert rows_of(client.get(f"batches/{batch.pk}/answers"))[0]["suggestion"] == "none"
    text = b"".join(client.get(f"batches/{batch.pk}/answers?format=csv").streaming_content)
    header, line, _ = text.decode().split("\r\n")
    assert dict(zip(header.split(","), line.split(","), strict=True))["suggestion"] == "none"


def test_others_cannot_send_to_or_read_what_is_not_theirs():
    batch, _ = mine()
    stranger = api(a_requester())

    assert problem_of(stranger.post(predictions_of(batch), ROWS)) == (404, "not_found")
    assert problem_of(stranger.get(f"batches/{batch.pk}/model")) == (404, "not_found")
    assert not Prediction.objects.exists()
