"""What a worker is willing to see, and how long they have worked today."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from tasks.compensation import hours
from workers import content, rest
from workers.models import Worker


class ContentIn(serializers.Serializer[Any]):
    warnings = serializers.ListField(
        child=Text(max_length=20), max_length=len(content.WARNINGS), help_text="All you agree to."
    )


class WarningOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    meaning = serializers.CharField()
    agreed = serializers.BooleanField()


class ContentOut(serializers.Serializer[Any]):
    warnings = WarningOut(many=True)


class RestOut(serializers.Serializer[Any]):
    worked_seconds = serializers.IntegerField(help_text="Of the last 24 hours.")
    advised_from_seconds = serializers.IntegerField()
    stopped_from_seconds = serializers.IntegerField()
    rest_until = serializers.DateTimeField(allow_null=True, help_text="No claims until then.")


class Content(APIView):
    """The sorts of content that a batch may warn of, and which of them you agreed to see."""

    @extend_schema(operation_id="content", responses={200: ContentOut})
    def get(self, request: Request) -> Response:
        return _told(worker_of(request))

    @extend_schema(operation_id="agree_to_content", request=ContentIn, responses={200: ContentOut})
    @once_per_key
    def put(self, request: Request) -> Response:
        worker = worker_of(request)
        form = ContentIn(data=request.data)
        form.is_valid(raise_exception=True)
        content.agree(worker=worker, now=timezone.now(), **form.validated_data)
        return _told(worker)


class Rest(APIView):
    """How much you have worked in the last 24 hours, and whether rest is due."""

    @extend_schema(operation_id="rest", responses={200: RestOut})
    def get(self, request: Request) -> Response:
        worker, now = worker_of(request), timezone.now()
        until = worker.rest_until
        told = {
            "worked_seconds": hours.seconds_of(worker.pk, now=now),
            "advised_from_seconds": rest.NOTICE_SECONDS,
            "stopped_from_seconds": rest.STOP_SECONDS,
            "rest_until": until if until and now < until else None,
        }
        return Response(RestOut(told).data)


def _told(worker: Worker) -> Response:
    known = content.WARNINGS.items()
    rows = [
        {"code": code, "meaning": meaning, "agreed": code in worker.content}
        for code, meaning in known
    ]
    return Response(ContentOut({"warnings": rows}).data)
