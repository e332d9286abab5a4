"""Gold, training and exams, as requesters and workers meet them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.control import exam
from tasks.models import Batch, Gold, Review, Task
from tests.factories import a_project, a_requester, a_worker, fresh, published_batch, usd
from tests.marketplace.clients import AN_INSTANT, api, pages_of, problem_of
from tests.tasks.reviewing import disputed, fixed, funded, owner, put_up
from tests.tasks.test_gold_check import crowd, give
from tests.workers.make import a_qualification_type
from workers.models import Qualification

pytestmark = pytest.mark.django_db


def golden(gold=3, **fields):
    batch = published_batch(tasks=10, gold=gold, gold_rate=0.5, overlap=10, **fields)
    return batch, api(owner(batch))


# Gold.


def test_gold_is_shown_with_how_it_is_answered_and_what_that_says():
    batch, client = golden(gold=1)
    [row] = Gold.objects.all()
    for worker in crowd(batch, 6):
        give(batch, row.pk, worker, {"label": "dog"})

    [told] = client.get(f"batches/{batch.pk}/gold").json()["results"]

    health = told.pop("health")
    assert told == {
        "task": row.pk,
        "external_id": "0",
        "input": {"image": "0.png"},
        "answer": {"label": "cat"},
        "explanation": "",
        "source": "requester",
        "origin": None,
        "status": "live",
        "retired_for": "",
        "retired_at": None,
        "open_slots": 94,
        "answers": 6,
        "right_share": 0.0,
    }
    assert health["verdict"] == "retire_disputed"
    assert health["why"].startswith("6 of 6 good workers miss it")
    assert health["figures"]["wrong"] == 6


def test_gold_that_nobody_has_answered_has_no_share_and_no_health():
    batch, client = golden(gold=3)

    pages = pages_of(client, f"batches/{batch.pk}/gold?limit=2")

    assert [len(page) for page in pages] == [2, 1]
    assert {(row["answers"], row["right_share"], row["health"]) for row in pages[0]} == {
        (0, None, None)
    }


def test_gold_is_retired_once():
    batch, client = golden(gold=2)
    first = Gold.objects.first()

    answers = [client.post(f"gold/{first.pk}/retire") for _ in range(2)]

    assert answers[0].status_code == 204
    assert problem_of(answers[1]) == (409, "illegal_transition")
    rows = client.get(f"batches/{batch.pk}/gold").json()["results"]
    shown = {row["task"]: (row["status"], row["retired_for"], row["retired_at"]) for row in rows}
    assert shown[first.pk] == ("retired", "withdrawn", AN_INSTANT)


def test_a_task_that_is_not_gold_cannot_be_retired():
    batch, client = golden()
    ordinary = Task.objects.filter(batch=batch, lane=1).first()

    assert problem_of(client.post(f"gold/{ordinary.pk}/retire")) == (404, "not_found")


def test_a_decided_review_becomes_gold_by_name_or_by_count():
    batch = disputed(3, make=fixed, gold_rate=0.5)
    funded(batch, 10_000)
    put_up(batch)
    client, path = api(owner(batch)), f"batches/{batch.pk}/gold/promote"
    first = Review.objects.order_by("pk").first()
    assert problem_of(client.post(path, {"review": first.pk})) == (409, "illegal_transition")
    for row in Review.objects.all():
        client.post(f"reviews/{row.pk}/fix", {"value": "dog"})

    named = client.post(path, {"review": first.pk, "explanation": "It barks."})
    drawn = client.post(path, {"count": 5})

    assert (named.status_code, named.json()) == (200, {"promoted": 1})
    assert (drawn.status_code, drawn.json()) == (200, {"promoted": 2})
    assert fresh(first).gold.explanation == "It barks."
    rows = client.get(f"batches/{batch.pk}/gold").json()["results"]
    assert {row["source"] for row in rows} == {"review"}


@pytest.mark.parametrize("body", [{}, {"review": 1, "count": 1}, {"count": 0}, {"review": True}])
def test_a_promotion_names_one_or_the_other(body):
    batch, client = golden()

    assert problem_of(client.post(f"batches/{batch.pk}/gold/promote", body))[0] == 400


def test_somebody_elses_review_does_not_become_gold():
    batch, client = golden()
    other = disputed(make=fixed)
    [row] = put_up(other)

    refused = client.post(f"batches/{batch.pk}/gold/promote", {"review": row.pk})

    assert problem_of(refused) == (404, "not_found")


# Training and exams.


def drafted(client, project, rows, **body):
    made = client.post(f"projects/{project.pk}/batches", {"reward": 5, "overlap": 2, **body})
    assert made.status_code == 201, made.json()
    uploaded = client.post(f"batches/{made.json()['id']}/tasks", rows)
    return made.json(), uploaded.json()


def known(label, **options):
    return {"input": {"image": f"{label}.png"}, "gold": label, **options}


def work_through(client, batch, answers):
    """Claim and answer all there is, by what is shown; return what each submit told."""
    told = {}
    for given in client.post(f"batches/{batch}/claim?count=20").json():
        image = given["input"]["image"]
        answer = {"answer": answers[image]}
        told[image] = client.post(f"assignments/{given['id']}/submit", answer).json()
    return told


def test_a_training_tells_after_each_answer_what_was_right_and_why():
    requester, worker = a_requester(usd(1_000)), a_worker()
    client, project = api(requester), a_project(requester=requester)
    rows = [known("cat", explanation="Whiskers."), known("dog"), {"input": {"image": "?"}}]

    made, uploaded = drafted(client, project, rows, purpose="training")
    client.post(f"batches/{made['id']}/publish")
    [offer] = api(worker).get("work").json()["results"]
    told = work_through(api(worker), made["id"], {"cat.png": "dog", "dog.png": "dog"})

    assert (made["purpose"], offer["purpose"]) == ("training", "training")
    assert (uploaded["tasks"], uploaded["gold"], uploaded["rejected"]) == (2, 0, 1)
    assert told["cat.png"]["feedback"] == {
        "right": False, "expected": {"label": "cat"}, "explanation": "Whiskers.",
    }  # fmt: skip
    assert told["dog.png"]["feedback"] == {
        "right": True, "expected": {"label": "dog"}, "explanation": "",
    }  # fmt: skip


def test_an_exam_tells_nothing_and_grants_its_qualification_to_who_passes():
    requester, good, bad = a_requester(usd(1_000)), a_worker(), a_worker()
    client, project = api(requester), a_project(requester=requester)
    kind = a_qualification_type(requester)

    made, _ = drafted(
        client, project, [known("cat"), known("dog")], purpose="exam", grants=kind.pk, pass_mark=1
    )
    client.post(f"batches/{made['id']}/publish")
    right = {"cat.png": "cat", "dog.png": "dog"}
    told = work_through(api(good), made["id"], right)
    work_through(api(bad), made["id"], {**right, "cat.png": "dog"})
    assert exam.grade_due(now=timezone.now()) == 2

    assert (made["purpose"], made["grants"], made["pass_mark"]) == ("exam", kind.pk, 1)
    assert set(told["cat.png"]) == {"id", "status", "answer"}
    held = Qualification.objects.get()
    assert (held.worker, held.type, held.value) == (good, kind, 100)


def test_an_ordinary_answer_has_no_feedback():
    batch, worker = published_batch(tasks=1), a_worker()

    [told] = work_through(api(worker), batch.pk, {"0.png": "cat"}).values()

    assert set(told) == {"id", "status", "answer"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"purpose": "exam"}, 422, "invalid_policy"),
        ({"purpose": "exam", "grants": 2**40}, 422, "invalid_policy"),
        ({"purpose": "training", "redundancy": {"policy": "adaptive"}}, 422, "invalid_policy"),
        ({"purpose": "fun"}, 400, "invalid_request"),
        ({"purpose": "exam", "grants": True}, 400, "invalid_request"),
        ({"pass_mark": 1.1}, 400, "invalid_request"),
    ],
)
def test_a_purpose_that_makes_no_sense_is_refused(body, status, code):
    project = a_project()
    client = api(project.requester)

    refused = client.post(f"projects/{project.pk}/batches", {"reward": 5, **body})

    assert problem_of(refused) == (status, code)
    assert not Batch.objects.exists()
