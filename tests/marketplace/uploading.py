"""A draft to upload into, and the same rows in each format."""

from __future__ import annotations

import csv
import io
import json

from tasks.models import Task, TaskInput
from tests.factories import drafted_batch
from tests.marketplace.clients import CSV, JSON, NDJSON, api

KINDS = [JSON, NDJSON, CSV]
NOTHING = {"tasks": 0, "gold": 0, "rejected": 0, "rejections": []}


class Draft:
    """A draft batch, and its requester's client."""

    def __init__(self):
        self.batch = drafted_batch(tasks=0)
        self.client = api(self.batch.project.requester)

    def upload(self, body, kind, **headers):
        raw = body if isinstance(body, bytes) else body.encode()
        return self.client.post(f"batches/{self.batch.pk}/tasks", raw, kind, **headers)

    def inputs(self):
        found = TaskInput.objects.filter(task__batch=self.batch).order_by("pk")
        return list(found.values_list("data", flat=True))

    def tasks(self, *fields):
        return list(Task.objects.filter(batch=self.batch).order_by("pk").values(*fields))


def written(rows, kind):
    """The same flat rows in each format."""
    if kind == JSON:
        return json.dumps(rows)
    if kind == NDJSON:
        return "\n".join(json.dumps(row) for row in rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
