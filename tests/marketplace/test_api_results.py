"""What came of a batch, over the REST API: results, answers, workers; JSON, NDJSON, CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from marketplace.api import exports
from tasks import aggregate, answer, distribute, settle
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    drafted_batch,
    gold_rows,
    published_batch,
    rows,
    submitted,
)
from tests.marketplace.clients import (
    A_NUMBER,
    A_PSEUDONYM,
    CSV,
    JSON,
    NDJSON,
    Like,
    api,
    problem_of,
    rows_of,
    text_of,
)
from tests.tasks.marketplace import reread

pytestmark = pytest.mark.django_db
KINDS = ["results", "answers", "workers"]
POSTGRES_INSTANT = Like(r"2026-01-01T12:\d\d:\d\d(\.\d+)?\+00:00")


def a_worked_batch(**fields):
    """Two tasks and one gold: the first has two answers that agree, of which one is accepted.

    The first of three workers also skipped one, the second is waiting, the third answered gold.
    """
    batch = published_batch(
        tasks=rows(2), gold=1, overlap=2, gold_rate=0.3, aggregation="majority_vote", **fields
    )
    first, second, third = a_worker(), a_worker(), a_worker()
    accepted, _ = submitted(batch, "cat", worker=first), submitted(batch, "cat", worker=second)
    gold = claim(batch, third, gold=True)
    answer.submit(assignment_id=gold.pk, worker=third, answer="cat", now=NOON)
    answer.skip(assignment=claim(batch, first), now=NOON)
    settle.accept(assignment=reread(accepted), actor=batch.project.requester, now=NOON + HOUR)
    aggregate.aggregate_due(now=NOON + HOUR)
    return batch


def read_csv(response):
    return list(csv.reader(io.StringIO(text_of(response), newline="")))


def test_results_are_each_tasks_consensus_with_its_confidence_without_gold():
    batch = a_worked_batch()

    response = api(batch.project.requester).get(f"batches/{batch.pk}/results")

    assert response.status_code == 200
    assert rows_of(response) == [
        {
            "task": A_NUMBER,
            "external_id": "0",
            "consensus": {"label": "cat"},
            "confidence": {"label": pytest.approx(1, abs=1e-3)},
            "calibrated": False,
            "raw_confidence": {"label": 1},
            "method": {"label": "majority_vote"},
            "source": "crowd",
            "answers": 2,
            "status": "closed",
            "complete": True,
            "input": {"image": "0.png"},
        },
        {
            "task": A_NUMBER,
            "external_id": "1",
            "consensus": {},
            "confidence": {},
            "calibrated": False,
            "raw_confidence": {},
            "method": {},
            "source": None,
            "answers": 0,
            "status": "waiting",
            "complete": False,
            "input": {"image": "1.png"},
        },
    ]


def test_answers_are_told_by_pseudonym_gold_included():
    batch = a_worked_batch()

    found = rows_of(api(batch.project.requester).get(f"batches/{batch.pk}/answers"))

    assert len(found) == 3
    assert found[0] == {
        "assignment": A_NUMBER,
        "task": A_NUMBER,
        "external_id": "0",
        "worker": A_PSEUDONYM,
        "status": "accepted",
        "answer": {"label": "cat"},
        "gold": False,
        "claimed_at": POSTGRES_INSTANT,
        "submitted_at": POSTGRES_INSTANT,
        "finished_at": Like(r"2026-01-01T13:00:00\+00:00"),
        "reward": 5,
        "suggestion": "none",
    }
    assert [row["gold"] for row in found] == [False, False, True]
    assert len({row["worker"] for row in found}) == 3


def test_workers_are_told_with_what_they_did_and_how_good_they_are():
    batch = a_worked_batch()

    found = rows_of(api(batch.project.requester).get(f"batches/{batch.pk}/workers"))

    first, _, third = found
    assert [row["worker"] for row in found] == [A_PSEUDONYM] * 3
    assert {name: first[name] for name in first if name not in {"worker", "skill"}} == {
        "submitted": 1,
        "accepted": 1,
        "rejected": 0,
        "skipped": 1,
        "expired": 0,
        "restrictions": [],
        "flags": [],
        "overall": {},  # from ten answers on
    }
    assert set(first["skill"]) == {"fit"}
    assert set(third["skill"]["gold"]) == {"estimate", "low", "high", "answers"}
    assert third["skill"]["gold"]["answers"] == 1


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", None, JSON),
        ("", "*/*", JSON),
        ("", NDJSON, NDJSON),
        ("", CSV, CSV),
        ("", "text/html, text/csv;q=0.5", CSV),
        ("?format=csv", "text/html,application/xhtml+xml,*/*;q=0.8", CSV),
        ("?format=ndjson", None, NDJSON),
        ("?format=csv", None, CSV),
    ],
)
def test_the_format_is_chosen_by_query_or_by_accept(what, query, accept, kind):
    batch = a_worked_batch()
    headers = {} if accept is None else {"accept": accept}

    response = api(batch.project.requester).get(f"batches/{batch.pk}/{what}{query}", **headers)

    assert (response.status_code, response.headers["Content-Type"]) == (200, kind)
    form = {JSON: "json", NDJSON: "ndjson", CSV: "csv"}[kind]
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="batch-{batch.pk}-{what}.{form}"'
    )
    assert "Accept" in response.headers["Vary"]
    assert text_of(response)


@pytest.mark.parametrize("what", KINDS)
def test_the_formats_hold_the_same_rows(what):
    batch = a_worked_batch()
    client, path = api(batch.project.requester), f"batches/{batch.pk}/{what}"

    as_json = rows_of(client.get(path))
    as_ndjson = rows_of(client.get(path, accept=NDJSON))
    header, *cells = read_csv(client.get(path, accept=CSV))

    assert as_json == as_ndjson
    assert len(cells) == len(as_json)
    first = header.index("worker" if what == "workers" else "external_id")
    named = header[first]
    assert [row[first] for row in cells] == [row[named] for row in as_json]


def test_the_columns_of_each_csv():
    project = a_project(
        requester=a_requester(),
        interface=[
            {"type": "choice", "name": "label", "options": ["cat", "dog"]},
            {"type": "choice", "name": "also", "options": ["a", "b"], "multiple": True},
            {"type": "text", "name": "note", "required": False},
        ],
    )
    filling = rows(1)
    batch = published_batch(tasks=filling, project=project, aggregation="majority_vote")
    assignment = claim(batch)
    answer.submit(
        assignment_id=assignment.pk,
        worker=assignment.worker,
        answer={"label": "cat", "also": ["a", "b"], "note": '=1+1,"x"\n'},
        now=NOON,
    )
    aggregate.aggregate_due(now=NOON)
    client = api(project.requester)

    results, answers, workers = (
        read_csv(client.get(f"batches/{batch.pk}/{what}?format=csv")) for what in KINDS
    )

    assert results[0] == [
        "task", "external_id", "label", "label.confidence", "also", "also.confidence", "note",
        "note.confidence", "calibrated", "status", "answers", "input.image",
    ]  # fmt: skip
    assert results[1][1:7] == ["0", "cat", "1", '["a", "b"]', "1", '\'=1+1,"x"\n']
    assert results[1][-2:] == ["1", "0.png"]
    assert answers[0] == [
        "assignment", "task", "external_id", "worker", "status", "gold", "reward", "suggestion",
        "label", "also", "note", "claimed_at", "submitted_at", "finished_at",
    ]  # fmt: skip
    assert answers[1][7:11] == ["none", "cat", '["a", "b"]', '\'=1+1,"x"\n']
    assert answers[1][-1] == ""
    assert workers[0] == [
        "worker", "submitted", "accepted", "rejected", "skipped", "expired", "skill.gold",
        "skill.fit", "skill.review", "overall.gold", "overall.fit", "overall.review",
        "restrictions", "flags",
    ]  # fmt: skip
    assert workers[1][1:6] == ["1", "0", "0", "0", "0"]


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize(("form", "empty"), [("json", "[\n]\n"), ("ndjson", "")])
def test_a_batch_without_rows_has_an_empty_export(what, form, empty):
    batch = drafted_batch(tasks=0)

    response = api(batch.project.requester).get(f"batches/{batch.pk}/{what}?format={form}")

    assert (response.status_code, text_of(response)) == (200, empty)


@pytest.mark.parametrize("what", KINDS)
def test_a_format_nobody_offers_is_refused(what):
    batch = drafted_batch()
    client = api(batch.project.requester)

    by_query = client.get(f"batches/{batch.pk}/{what}?format=xml")
    by_header = client.get(f"batches/{batch.pk}/{what}", accept="text/html")

    assert problem_of(by_query) == (404, "not_found")
    assert problem_of(by_header) == (406, "not_acceptable")


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_a_refusal_is_a_problem_in_every_format(what, form):
    theirs = drafted_batch()
    client = api(a_requester())

    foreign = client.get(f"batches/{theirs.pk}/{what}?format={form}")

    assert problem_of(foreign) == (404, "not_found")
    assert foreign.content == client.get(f"batches/{2**62}/{what}?format={form}").content


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_options_are_told_in_json(form):
    batch = drafted_batch()

    told = api(batch.project.requester).send("OPTIONS", f"batches/{batch.pk}/results?format={form}")

    assert told.status_code == 200
    assert "name" in json.loads(told.content)


@pytest.mark.parametrize("page", [1, 2, 3, 2000])
@pytest.mark.parametrize("what", KINDS)
def test_an_export_is_whole_wherever_its_pages_end(monkeypatch, page, what):
    monkeypatch.setattr(exports, "PAGE", page)
    batch = published_batch(tasks=4, overlap=1)
    for _ in range(3):  # assignments without an answer, more of them than a page holds
        claim(batch, now=NOON - HOUR)
    distribute.expire_overdue(now=NOON)
    for _ in range(3):
        submitted(batch)
    client = api(batch.project.requester)

    found = rows_of(client.get(f"batches/{batch.pk}/{what}?format=ndjson"))

    assert len(found) == {"results": 4, "answers": 3, "workers": 6}[what]
    assert rows_of(client.get(f"batches/{batch.pk}/{what}")) == found
    assert len(read_csv(client.get(f"batches/{batch.pk}/{what}?format=csv"))) == 1 + len(found)


def test_a_worker_has_another_pseudonym_in_every_batch():
    project = a_project(requester=a_requester())
    worker = a_worker()
    batches = [published_batch(tasks=rows(1), project=project) for _ in range(3)]
    for batch in batches:
        submitted(batch, worker=worker)
    client = api(project.requester)

    names = {rows_of(client.get(f"batches/{batch.pk}/answers"))[0]["worker"] for batch in batches}

    assert len(names) == 3
    for name in names:
        assert name == A_PSEUDONYM


def test_gold_never_shows_among_the_results():
    batch = published_batch(tasks=[*rows(1), *gold_rows(2)], gold_rate=0.5)

    found = rows_of(api(batch.project.requester).get(f"batches/{batch.pk}/results"))

    assert [row["external_id"] for row in found] == ["0"]
