"""The requester's side: where each label of a batch comes from, as a chain anybody can check."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.api import exports
from marketplace.api.projects import batch_of

# Records hold labels, which may be large, so a page has fewer of them than of other rows.
LINKS = """
SELECT number, json_build_object(
    'number', number, 'task', task_id, 'record', record, 'previous', encode(previous, 'hex'),
    'sha256', encode(sha256, 'hex'), 'recorded_at', created_at)::text
FROM tasks_provenance
WHERE batch_id = %(batch)s AND number > %(after)s
ORDER BY number LIMIT least(%(limit)s, 500)
"""
ANY = {(200, kind): OpenApiTypes.ANY for kind in ["application/x-ndjson", "application/json"]}


class Provenance(APIView):
    """One link per labelled task, in the order of the chain, streamed; empty until recorded."""

    renderer_classes = [exports.NdjsonRenderer, JSONRenderer]

    @extend_schema(
        operation_id="provenance",
        parameters=[OpenApiParameter("format", str, enum=["ndjson", "json"])],
        responses=ANY,
    )
    def get(self, request: Request, batch_id: int) -> StreamingHttpResponse:
        batch = batch_of(request, batch_id)
        return exports.stream(
            request,
            name=f"batch-{batch.pk}-provenance",
            rows=exports.pages(LINKS, {"batch": batch.pk}),
            header=_none,
            flatten=_none,
        )


def _none(*_: Any) -> list[Any]:
    """Stand in for columns: links are not to be had as CSV."""
    return []
