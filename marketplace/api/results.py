"""The requester's side: what came of a batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import exports
from marketplace.api.projects import batch_of
from tasks import models, quality
from tasks.aggregation.skill import Estimate
from tasks.models import Batch
from tasks.versions import asked

RESULTS = """
SELECT t.id, json_build_object(
    'task', t.id, 'external_id', i.external_id,
    'consensus', coalesce(c.consensus, '{}'), 'confidence', coalesce(c.confidence, '{}'),
    'calibrated', coalesce(c.calibrated, false), 'raw_confidence', coalesce(c.raw, '{}'),
    'method', coalesce(c.method, '{}'), 'source', c.source, 'answers', coalesce(c.answers, 0),
    'status', CASE WHEN c.least IS NULL OR NOT t.complete THEN 'waiting'
                   WHEN c.least >= %(target)s THEN 'closed' ELSE 'uncertain' END,
    'complete', t.complete, 'input', i.data)::text
FROM (SELECT id, NOT is_open AND NOT EXISTS (
          SELECT FROM tasks_assignment a WHERE a.task_id = t.id AND a.status = 'active'
      ) AS complete
      FROM tasks_task t
      WHERE batch_id = %(batch)s AND id > %(after)s AND lane <> 2 ORDER BY id LIMIT %(limit)s) t
JOIN tasks_taskinput i ON i.task_id = t.id
LEFT JOIN LATERAL (
    SELECT json_object_agg(name, value) AS consensus,
           json_object_agg(name, confidence) AS confidence,
           json_object_agg(name, raw_confidence) AS raw,
           bool_and(is_calibrated) AS calibrated, min(confidence) AS least,
           json_object_agg(name, method) AS method, min(source) AS source, max(answers) AS answers
    FROM tasks_consensus WHERE task_id = t.id) c ON true
ORDER BY t.id
"""

ANSWERS = """
SELECT a.id, json_build_object(
    'assignment', a.id, 'task', a.task_id, 'external_id', i.external_id, 'worker', c.pseudonym,
    'status', a.status, 'answer', CASE WHEN a.status <> 'rejected' THEN n.value END,
    'gold', a.is_gold, 'claimed_at', a.claimed_at,
    'submitted_at', a.submitted_at, 'finished_at', a.finished_at, 'reward', a.reward_minor,
    'suggestion', CASE
        WHEN a.status = 'rejected' THEN NULL
        WHEN a.suggestion_id IS NULL THEN 'none'
        WHEN EXISTS (
            SELECT FROM tasks_prediction p, jsonb_each(p.value) said
            WHERE p.id = a.suggestion_id AND n.value -> said.key IS DISTINCT FROM said.value)
        THEN 'changed' ELSE 'accepted' END)::text
FROM (SELECT * FROM tasks_assignment
      WHERE batch_id = %(batch)s AND id > %(after)s AND submitted_at IS NOT NULL
      ORDER BY id LIMIT %(limit)s) a
JOIN tasks_answer n ON n.assignment_id = a.id
JOIN tasks_taskinput i ON i.task_id = a.task_id
JOIN tasks_cursor c ON c.batch_id = a.batch_id AND c.worker_id = a.worker_id
ORDER BY a.id
"""

WORKERS = """
SELECT c.id, json_build_object(
    'worker', c.pseudonym, 'submitted', n.submitted, 'accepted', n.accepted,
    'rejected', n.rejected, 'skipped', n.skipped, 'expired', n.expired,
    'skill', s.skills, 'restrictions', r.kinds, 'flags', f.kinds, 'of', c.worker_id)::text
FROM (SELECT * FROM tasks_cursor
      WHERE batch_id = %(batch)s AND id > %(after)s ORDER BY id LIMIT %(limit)s) c
CROSS JOIN LATERAL (
    SELECT count(submitted_at) AS submitted,
           count(*) FILTER (WHERE status = 'accepted') AS accepted,
           count(*) FILTER (WHERE status = 'rejected' AND EXISTS (
               SELECT FROM tasks_rejection r
               WHERE r.assignment_id = a.id AND r.status = 'final')) AS rejected,
           count(*) FILTER (WHERE status = 'skipped') AS skipped,
           count(*) FILTER (WHERE status = 'expired') AS expired
    FROM tasks_assignment a WHERE batch_id = %(batch)s AND worker_id = c.worker_id) n
CROSS JOIN LATERAL (
    SELECT coalesce(json_object_agg(source, json_build_object(
        'estimate', estimate, 'low', low, 'high', high, 'answers', answers)), '{}') AS skills
    FROM workers_skill WHERE project_id = %(project)s AND worker_id = c.worker_id) s
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(kind ORDER BY kind), '[]') AS kinds FROM tasks_restriction
    WHERE worker_id = c.worker_id AND batch_id = %(batch)s AND lifted_at IS NULL) r
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(kind ORDER BY kind), '[]') AS kinds FROM tasks_flag
    WHERE worker_id = c.worker_id AND batch_id = %(batch)s AND status = 'waiting') f
ORDER BY c.id
"""

SOURCES = ("gold", "fit", "review")
OVERALL_FROM = 10  # answers; they are told in tens

FORMATS = [OpenApiParameter("format", str, enum=["json", "ndjson", "csv"])]
ANY = {
    (200, kind): OpenApiTypes.ANY
    for kind in ["application/json", "application/x-ndjson", "text/csv"]
}


class Results(APIView):
    """Each task's consensus with its confidence, streamed."""

    renderer_classes = exports.RENDERERS

    @extend_schema(operation_id="results", parameters=FORMATS, responses=ANY)
    def get(self, request: Request, batch_id: int) -> StreamingHttpResponse:
        batch = batch_of(request, batch_id)
        elements = element_names(batch)
        fields = sorted(_input_fields(batch)) if request.accepted_renderer.format == "csv" else []

        def header() -> list[str]:
            judged = [part for name in elements for part in (name, f"{name}.confidence")]
            return [
                "task",
                "external_id",
                *judged,
                "calibrated",
                "status",
                "answers",
                *(f"input.{each}" for each in fields),
            ]

        def flatten(row: dict[str, Any]) -> list[Any]:
            judged = [
                part.get(name)
                for name in elements
                for part in (row["consensus"], row["confidence"])
            ]
            shown = [row["input"].get(each) for each in fields]
            facts = [row["calibrated"], row["status"], row["answers"]]
            return [row["task"], row["external_id"], *judged, *facts, *shown]

        rows = exports.pages(RESULTS, {"batch": batch.pk, "target": batch.target})
        name = f"batch-{batch.pk}-results"
        return exports.stream(request, name=name, rows=rows, header=header, flatten=flatten)


class Report(APIView):
    """What the answers say about themselves: how sure, how well measured, where they disagree.

    ``closed`` says how many tasks are settled at the batch's target; ``elements`` has for each
    question the method and why, the reliability diagram on gold, agreement, and warnings.
    """

    @extend_schema(operation_id="report", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, batch_id: int) -> Response:
        found = models.Report.objects.filter(batch=batch_of(request, batch_id)).first()
        nothing_yet: dict[str, Any] = {"answers": 0, "closed": None, "elements": {}}
        said = found.data if found else nothing_yet
        return Response({**said, "computed_at": found.computed_at if found else None})


class Answers(APIView):
    """Every answer as it was given, by per-batch pseudonym, streamed.

    Of an answer that was refused only its decision is told: it is not paid, so it is not yours.
    """

    renderer_classes = exports.RENDERERS

    @extend_schema(operation_id="answers", parameters=FORMATS, responses=ANY)
    def get(self, request: Request, batch_id: int) -> StreamingHttpResponse:
        batch = batch_of(request, batch_id)
        elements = element_names(batch)
        about = ["assignment", "task", "external_id", "worker"]
        facts = [*about, "status", "gold", "reward", "suggestion"]
        times = ["claimed_at", "submitted_at", "finished_at"]

        def flatten(row: dict[str, Any]) -> list[Any]:
            answer = row["answer"] or {}
            given = [answer.get(name) for name in elements]
            return [*(row[fact] for fact in facts), *given, *(row[time] for time in times)]

        return exports.stream(
            request,
            name=f"batch-{batch.pk}-answers",
            rows=exports.pages(ANSWERS, {"batch": batch.pk}),
            header=lambda: [*facts, *elements, *times],
            flatten=flatten,
        )


class Workers(APIView):
    """Who answered, under the names they have in this batch only, and how good they are.

    ``skill`` is that in this project; ``overall`` pools all projects, those of other requesters
    only where they are of several; it is rounded, so that it is nobody's fingerprint.
    ``restrictions`` and ``flags`` name what is live and what waits for a human.
    """

    renderer_classes = exports.RENDERERS

    @extend_schema(operation_id="workers", parameters=FORMATS, responses=ANY)
    def get(self, request: Request, batch_id: int) -> StreamingHttpResponse:
        batch = batch_of(request, batch_id)
        facts = ["worker", "submitted", "accepted", "rejected", "skipped", "expired"]

        def flatten(row: dict[str, Any]) -> list[Any]:
            skills = [
                row[what].get(source, {}).get("estimate")
                for what in ("skill", "overall")
                for source in SOURCES
            ]
            return [*(row[fact] for fact in facts), *skills, row["restrictions"], row["flags"]]

        return exports.stream(
            request,
            name=f"batch-{batch.pk}-workers",
            rows=_with_overall(batch),
            header=lambda: [
                *facts,
                *(f"{what}.{source}" for what in ("skill", "overall") for source in SOURCES),
                "restrictions",
                "flags",
            ],
            flatten=flatten,
        )


def _with_overall(batch: Batch) -> Iterator[list[str]]:
    """Pages of workers, each with their skill over all projects in the place of who they are."""
    asked_for = {"batch": batch.pk, "project": batch.project_id}
    for page in exports.pages(WORKERS, asked_for):
        rows = [json.loads(text) for text in page]
        pooled = quality.overall([row["of"] for row in rows], seen_by=batch.project.requester_id)
        for row in rows:
            found = pooled.get(row.pop("of"), {})
            row["overall"] = {
                source: _rounded(each)
                for source, each in found.items()
                if each.answers >= OVERALL_FROM
            }
        yield [json.dumps(row, ensure_ascii=False) for row in rows]


def _rounded(found: Estimate) -> dict[str, float]:
    rough = {name: round(value, 2) for name, value in found._asdict().items()}
    return {**rough, "answers": found.answers - found.answers % OVERALL_FROM}


def element_names(batch: Batch) -> list[str]:
    """The names of what workers are asked, in the interface's order."""
    return [each.name for each in asked(batch.version_id).checker.interface.questions]


def _input_fields(batch: Batch) -> set[str]:
    """Every field that any of the batch's inputs has: the CSV's last columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(i.data) FROM tasks_task t"
            " JOIN tasks_taskinput i ON i.task_id = t.id WHERE t.batch_id = %s",
            [batch.pk],
        )
        return {name for (name,) in cursor.fetchall()}
