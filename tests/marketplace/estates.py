"""What one requester can have: rows in every state that a route of the API asks for."""

from __future__ import annotations

from tasks import publish
from tests.factories import (
    NOON,
    a_project,
    claim,
    drafted_batch,
    published_batch,
    submitted,
)
from workers import qualify

CANARY = "canary"  # in every text of the requester's


def estate(requester, worker, interface=None):
    """One requester's rows in every state that a route asks for, with one worker's among them."""
    project = a_project(requester=requester, interface=interface)
    project.title = CANARY
    project.save()
    made = published_batch(tasks=9, project=project)
    paused = published_batch(tasks=1, project=project)
    publish.pause(batch=paused, actor=requester, now=NOON)
    kind = qualify.define(requester=requester, name=CANARY, now=NOON)
    qualify.grant(type=kind, worker=worker, now=NOON, actor=requester)
    return {
        "project": project.pk,
        "draft": drafted_batch(project=project).pk,
        "open": made.pk,
        "paused": paused.pk,
        "type": kind.pk,
        "submitted": submitted(made, worker=worker).pk,
        "active": claim(made, worker).pk,
    }
