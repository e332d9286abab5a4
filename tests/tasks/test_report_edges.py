from __future__ import annotations

import json

import pytest

from tasks import aggregate, combine, evidence
from tasks.interface import parse
from tasks.models import Consensus, Report
from tasks.rows import Row
from tests.factories import a_project, a_worker, link, published_batch
from tests.tasks.combining import LATER
from tests.tasks.steering import adaptive, crowd, decide, work

LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
SPANS = {"type": "spans", "name": "spans", "of": "${text}", "labels": ["PER"], "required": False}
OPTIONAL = [
    {"type": "text", "name": "e", "required": False},
    {"type": "rating", "name": "e", "required": False},
    {"type": "rating", "name": "e", "max": 100, "required": False},
    {"type": "number", "name": "e", "required": False},
    {"type": "choice", "name": "e", "options": ["a", "b"], "required": False},
    {"type": "choice", "name": "e", "options": ["a", "b"], "multiple": True, "required": False},
    {"type": "ranking", "name": "e", "items": ["a", "b"], "required": False},
    {"type": "pairwise", "name": "e", "left": "${text}", "right": "x", "required": False},
    {"type": "spans", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
    {"type": "boxes", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
    {"type": "polygons", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
    {"type": "keypoints", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
    {"type": "masks", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
    {"type": "audio_regions", "name": "e", "of": "${text}", "labels": ["X"], "required": False},
]


def report(batch):
    aggregate.aggregate(batch=batch, now=LATER)
    return Report.objects.get(batch=batch).data


def shown(count, **options):
    return [Row(input=json.dumps({"text": f"Änna 猫 {n}"}), **options) for n in range(count)]


@pytest.mark.django_db
@pytest.mark.parametrize("optional", OPTIONAL, ids=lambda each: each["type"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_question_that_nobody_answered_has_a_report_and_no_consensus(optional, workers):
    batch = published_batch(
        tasks=shown(3), overlap=workers, project=a_project(interface=[LABEL, optional])
    )
    work(batch, crowd(workers), lambda *_: {"label": "cat"})

    said = report(batch)

    assert said["elements"]["e"]["agreement"]["answers"] == 0
    assert set(Consensus.objects.values_list("name", flat=True)) == {"label"}


@pytest.mark.django_db
@pytest.mark.parametrize("optional", OPTIONAL, ids=lambda each: each["type"])
def test_a_batch_without_answers_can_be_aggregated(optional):
    batch = published_batch(tasks=shown(2), project=a_project(interface=[LABEL, optional]))

    said = report(batch)

    assert said["closed"]["waiting"] == 2
    assert not Consensus.objects.exists()


@pytest.mark.django_db
def test_an_empty_draft_can_be_aggregated():
    batch = published_batch(tasks=1)

    assert report(batch)["answers"] == 0


@pytest.mark.django_db
def test_relations_without_spans_come_to_a_consensus_and_steer():
    relation = {"label": "knows", "from": {"start": 0, "end": 2}, "to": {"start": 3, "end": 4}}
    interface = [
        SPANS,
        {
            "type": "relations",
            "name": "r",
            "spans": "spans",
            "labels": ["knows"],
            "required": False,
        },
    ]
    batch = adaptive(tasks=shown(2), overlap=4, project=a_project(interface=interface))
    spans = [
        {"label": "PER", **relation["from"]},
        {"label": "PER", **relation["to"]},
    ]
    says = [{}, {"spans": spans}, {"spans": spans, "r": [relation]}, {"spans": [], "r": []}]
    work(batch, crowd(4), lambda task, worker: says[(task + worker) % 4])

    assert decide(batch) >= 0
    said = report(batch)
    assert said["elements"]["r"]["agreement"]["kind"] == "relations"


@pytest.mark.django_db
def test_pages_that_are_not_shown_leave_no_doubt():
    pages = [
        {"title": "Animal", "elements": [LABEL]},
        {
            "title": "Dog",
            "show_if": {"name": "label", "is": "dog"},
            "elements": [{"type": "text", "name": "breed"}],
        },
    ]
    interface = [{"type": "survey", "pages": pages}]
    evidence._remembered.clear()
    batch = adaptive(tasks=5, overlap=8, project=a_project(interface=interface))
    work(batch, crowd(5), lambda *_: {"label": "cat"})
    decide(batch)
    work(batch, crowd(5), lambda *_: {"label": "cat"})

    assert decide(batch) == 0
    assert report(batch)["elements"]["breed"]["agreement"]["answers"] == 0


@pytest.mark.django_db
def test_both_accounts_of_a_person_may_have_answered_a_task():
    batch = published_batch(tasks=12, overlap=2, max_live_assignments=50)
    one, two = a_worker(), a_worker()
    work(batch, [one, two], lambda *_: "cat")
    link(one, two)

    assert report(batch)["elements"]["label"]["agreement"]["workers"] == 2


def test_relations_of_gold_are_matched_to_the_spans_of_the_same_gold():
    interface = parse(
        [
            SPANS,
            {"type": "relations", "name": "r", "spans": "spans", "labels": ["knows"],
             "required": False},
        ]
    )  # fmt: skip

    def spans_at(*starts):
        return [{"label": "PER", "start": start, "end": start + 2} for start in starts]

    def relation(first, second):
        ends = {"from": first, "to": second}
        return [{"label": "knows"} | {k: {"start": s, "end": s + 2} for k, s in ends.items()}]

    gold = {1: {"spans": spans_at(0, 10)}, 2: {"spans": spans_at(20, 30), "r": relation(20, 30)}}
    answers = [
        (task, worker, {"spans": spans_at(20, 30), "r": relation(20, 30)})
        for task in (2, 3)
        for worker in (1, 2, 3)
    ]
    answers += [(1, worker, {"spans": spans_at(0, 10), "r": []}) for worker in (1, 2, 3)]

    decided = combine.combine(interface, answers, method="auto", gold=gold)

    assert decided.elements["r"].gauge.accuracy.answers == 1
    assert decided.elements["r"].gauge.judged[0].right
