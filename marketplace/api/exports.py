"""Streaming rows out in constant memory: JSON, NDJSON or CSV, page by page, by key.

PostgreSQL writes each row's JSON itself. Every page is a short query of its own, so an
export of millions of rows holds no snapshot that would keep dead rows alive.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

PAGE = 2_000
# A spreadsheet runs a cell that begins with one of these, or their full-width twins. One that
# begins like a cell made safe is marked too, so that taking one apostrophe off gives the original.
RUNS = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

Flatten = Callable[[dict[str, Any]], Sequence[Any]]


class NdjsonRenderer(BaseRenderer):
    """Stands for the format in content negotiation; the stream writes itself."""

    media_type = "application/x-ndjson"
    format = "ndjson"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return JSONRenderer().render(data)  # only the answer to OPTIONS comes this way


class CsvRenderer(NdjsonRenderer):
    media_type = "text/csv"
    format = "csv"


RENDERERS = [JSONRenderer, NdjsonRenderer, CsvRenderer]


def pages(sql: str, params: Mapping[str, Any]) -> Iterator[list[str]]:
    """Rows as JSON texts, ``PAGE`` at a time.

    ``sql`` selects (key, JSON text) with a key above ``%(after)s``, in its order, at most
    ``%(limit)s`` of them.
    """
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, {**params, "after": after, "limit": PAGE})
            rows = cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [text for _, text in rows]


def stream(
    request: Request,
    *,
    name: str,
    rows: Iterator[list[str]],
    header: Callable[[], Sequence[str]],
    flatten: Flatten,
) -> StreamingHttpResponse:
    """Answer with the rows in the format the client asked for."""
    form = request.accepted_renderer.format
    body = {"json": _as_json, "ndjson": _as_ndjson}.get(form)
    parts = body(rows) if body else _as_csv(rows, header(), flatten)
    response = StreamingHttpResponse(
        (part.encode() for part in parts), content_type=request.accepted_renderer.media_type
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["Vary"] = "Accept"
    return response


def _as_json(rows: Iterator[list[str]]) -> Iterator[str]:
    yield "["
    joint = "\n"
    for page in rows:
        yield joint + ",\n".join(page)
        joint = ",\n"
    yield "\n]\n"


def _as_ndjson(rows: Iterator[list[str]]) -> Iterator[str]:
    for page in rows:
        yield "\n".join(page) + "\n"


def _as_csv(rows: Iterator[list[str]], header: Sequence[str], flatten: Flatten) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([cell(name) for name in header])
    for page in rows:
        writer.writerows([cell(value) for value in flatten(json.loads(text))] for text in page)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def cell(value: Any) -> Any:
    """A value as a CSV cell that no spreadsheet takes for a formula.

    Text that would run gets a leading apostrophe; lists and objects are written as JSON.
    """
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and RUNS.match(value):
        return f"'{value}"
    return value
