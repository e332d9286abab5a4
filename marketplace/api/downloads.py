"""What a requester can download of a batch, made without a request: for files and their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from django.http import HttpRequest
from rest_framework.request import Request

from marketplace.api import provenance, results
from marketplace.api.exports import RENDERERS
from tasks.models import Batch

View = type[results.Results | results.Answers | results.Workers | provenance.Provenance]
VIEWS: dict[str, View] = {
    "results": results.Results,
    "answers": results.Answers,
    "workers": results.Workers,
    "provenance": provenance.Provenance,
}
FORMATS = {renderer.format: renderer for renderer in RENDERERS}


def exported(batch: Batch, *, what: str, form: str) -> Iterator[bytes]:
    """Make the request that the batch's requester would make, and return its answer in parts."""
    request = Request(HttpRequest())
    request.user = batch.project.requester
    request.accepted_renderer = FORMATS[form]()
    response = VIEWS[what]().get(request, batch.pk)
    assert not response.is_async
    yield from response


def digest(batch: Batch, *, what: str, form: str) -> str:
    """Return the SHA-256 of a download, in hex, reading it part by part."""
    hashed = sha256()
    for part in exported(batch, what=what, form=form):
        hashed.update(part)
    return hashed.hexdigest()
