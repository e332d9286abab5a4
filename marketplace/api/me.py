"""Your own data: all of it to download, and the way out."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace import leaving
from marketplace.api import me_export
from marketplace.api.auth import user_of
from marketplace.api.fields import Text
from tasks.leaving import unclaimed
from workers import names


class EraseIn(serializers.Serializer[Any]):
    username = Text(max_length=names.USERNAME_LENGTH, help_text="Yours, to say that you mean it.")


class UnclaimedOut(serializers.Serializer[Any]):
    amount = serializers.IntegerField(source="minor")
    currency = serializers.CharField()


class ErasedOut(serializers.Serializer[Any]):
    pseudonym = serializers.CharField(help_text="Note it: it is how money that waits is found.")
    waiting = UnclaimedOut(many=True, help_text="Earnings that could not be sent anywhere.")


class Export(APIView):
    """Everything that is kept about you, as one JSON object; a list for each sort of thing."""

    @extend_schema(operation_id="export_my_data", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> StreamingHttpResponse:
        body = me_export.stream(user_of(request).pk)
        response = StreamingHttpResponse(body, content_type="application/json")
        response["Content-Disposition"] = 'attachment; filename="my-data.json"'
        return response


class Erase(APIView):
    """Close your account and erase what names you. This cannot be undone.

    What you have claimed expires; what you have submitted is still decided, and paid.
    """

    @extend_schema(operation_id="erase_me", request=EraseIn, responses={200: ErasedOut})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        form = EraseIn(data=request.data)
        form.is_valid(raise_exception=True)
        if names.canonical_username(form.validated_data["username"]) != user.username:
            raise ValidationError({"username": "Type your own username to confirm."})
        pseudonym = leaving.erase(user=user, now=timezone.now())
        told = {"pseudonym": pseudonym, "waiting": unclaimed(user)}
        return Response(ErasedOut(told).data)
