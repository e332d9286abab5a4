"""A batch's dataset card: Croissant JSON-LD about the files that can be downloaded of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import downloads
from marketplace.api.projects import batch_of
from tasks import provenance
from tasks.models import Batch
from tasks.provenance.card import File, card

# Hashing reads every row of the files: of larger batches `manage.py export --what card` does it.
HASHED_TASKS_MAX = 5_000
FILES = {"results": "csv", "answers": "ndjson", "provenance": "ndjson"}
MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


class JsonLdRenderer(JSONRenderer):
    media_type = "application/ld+json"
    format = "jsonld"


class Card(APIView):
    """What the batch's data are, how they came about, what was paid: MLCommons Croissant."""

    renderer_classes = [JsonLdRenderer, JSONRenderer]

    @extend_schema(
        operation_id="card", responses={(200, "application/ld+json"): OpenApiTypes.OBJECT}
    )
    def get(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        here = request.build_absolute_uri(request.path.removesuffix("/card"))
        hashed = batch.task_count <= HASHED_TASKS_MAX
        return Response(card_of(batch, url=here, hashed=hashed))


def card_of(batch: Batch, *, url: str = "", hashed: bool = True) -> dict[str, Any]:
    """Return the card of a batch at ``url``; without one, of files that lie beside the card.

    Files have their hash if ``hashed``, unless the batch still runs: then they change.
    """
    is_final = provenance.is_recorded(batch)
    files = [
        File(
            name=file_name(batch, what, form),
            url=f"{url}/{what}?format={form}" if url else file_name(batch, what, form),
            what=what,
            media_type=MEDIA_TYPES[form],
            sha256=downloads.digest(batch, what=what, form=form) if hashed and is_final else None,
        )
        for what, form in FILES.items()
        if what != "provenance" or is_final
    ]
    return card(batch, files, url=url, is_final=is_final)


def file_name(batch: Batch, what: str, form: str) -> str:
    """Return the name under which a download is saved."""
    return f"batch-{batch.pk}-{what}.{form}"
