"""The terms: read by everybody, compared with the version before, agreed to."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of
from marketplace.api.idempotency import once_per_key
from workers import terms
from workers.models import Consent, Terms

DIGITS_MAX = 9


class VersionOut(serializers.ModelSerializer[Terms]):
    class Meta:
        model = Terms
        fields = ["version", "summary", "published_at", "effective_at"]


class TermsOut(VersionOut):
    text = serializers.CharField(help_text="Markdown.")

    class Meta(VersionOut.Meta):
        fields = [*VersionOut.Meta.fields, "text"]


class ComparedOut(serializers.Serializer[Any]):
    terms = TermsOut()
    since = serializers.IntegerField(help_text="The version it is compared with; 0 for none.")
    difference = serializers.CharField(help_text="A unified diff; empty without one before.")


class ConsentOut(serializers.ModelSerializer[Consent]):
    version = serializers.IntegerField(source="terms.version")

    class Meta:
        model = Consent
        fields = ["version", "given_at"]


class AllTerms(ListAPIView[Terms]):
    """Every version of the terms, newest first; those that are yet to come included."""

    permission_classes = [AllowAny]
    serializer_class = VersionOut
    queryset = Terms.objects.defer("text")


class OneTerms(APIView):
    """One version of the terms, and what it changed."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="terms",
        parameters=[OpenApiParameter("since", int, description="Compare with this version.")],
        responses={200: ComparedOut},
    )
    def get(self, request: Request, version: int) -> Response:
        meant = get_object_or_404(Terms, version=version)
        before = _compared(request, version)
        told: dict[str, Any] = {"terms": meant, "since": 0, "difference": ""}
        if before:
            told["since"] = before.version
            told["difference"] = terms.difference(before=before, after=meant)
        return Response(ComparedOut(told).data)


class Agree(APIView):
    """Agree to a version of the terms, in force or yet to come."""

    @extend_schema(operation_id="agree_to_terms", request=None, responses={201: ConsentOut})
    @once_per_key
    def post(self, request: Request, version: int) -> Response:
        get_object_or_404(Terms, version=version)
        given = terms.consent(user=user_of(request), version=version, now=timezone.now())
        return Response(ConsentOut(given).data, status=201)


def _compared(request: Request, version: int) -> Terms | None:
    """The version that ``?since=`` names; without it the one before."""
    said = request.query_params.get("since")
    rows: QuerySet[Terms] = Terms.objects.order_by("version")
    if said is None:
        return rows.filter(version__lt=version).last()
    if not (said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX):
        raise ValidationError({"since": "Give the number of a version."})
    found = rows.filter(version=int(said)).first()
    if found is None:
        raise ValidationError({"since": "There is no such version."})
    return found
