"""What workers say of requesters, and what requesters reply."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of, user_of, worker_of
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from tasks.disclosure import ratings
from tasks.models import Batch, Rating
from workers.models import User


class Mark(WholeNumber):
    """From 1, bad, to 5, good."""

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=5)


class RatingIn(serializers.Serializer[Any]):
    fairness = Mark()
    pay = Mark()
    speed = Mark()
    communication = Mark()
    text = Text(max_length=2_000, default="", allow_blank=True)


class ReplyText(serializers.Serializer[Any]):
    text = Text(max_length=2_000)


class RatingOut(serializers.ModelSerializer[Rating]):
    """A rating as everybody may see it: not whose it is, nor of which batch or day."""

    month = serializers.SerializerMethodField(help_text="When it was given: 2026-11.")

    class Meta:
        model = Rating
        fields = ["id", "fairness", "pay", "speed", "communication", "text", "month", "reply"]

    def get_month(self, rating: Rating) -> str:
        return f"{rating.made_at:%Y-%m}"


class Rate(APIView):
    """Rate a batch's requester, once an answer of yours there was decided; again replaces it."""

    @extend_schema(operation_id="rate", request=RatingIn, responses={200: RatingOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        worker = worker_of(request)
        worked_on = Batch.objects.published().filter(cursors__worker=worker)
        batch = get_object_or_404(worked_on.select_related("project"), pk=batch_id)
        form = RatingIn(data=request.data)
        form.is_valid(raise_exception=True)
        made = ratings.rate(worker=worker, batch=batch, now=timezone.now(), **form.validated_data)
        return Response(RatingOut(made).data)


class Ratings(ListAPIView[Rating]):
    """What workers say of a requester, newest first; nothing until five persons have rated."""

    serializer_class = RatingOut
    queryset = Rating.objects.none()

    def get_queryset(self) -> QuerySet[Rating]:
        user_of(self.request)
        requester = get_object_or_404(User, pk=self.kwargs["requester_id"], is_requester=True)
        if not ratings.are_shown(requester.pk):
            return Rating.objects.none()
        return Rating.objects.filter(requester=requester)


class Reply(APIView):
    """Reply to a rating of yours; replying again replaces the reply."""

    @extend_schema(operation_id="reply_to_rating", request=ReplyText, responses={200: RatingOut})
    @once_per_key
    def post(self, request: Request, rating_id: int) -> Response:
        requester = requester_of(request)
        own = Rating.objects.filter(requester=requester)
        rating = get_object_or_404(own, pk=rating_id if ratings.are_shown(requester.pk) else 0)
        form = ReplyText(data=request.data)
        form.is_valid(raise_exception=True)
        said = ratings.reply(
            rating=rating, actor=requester, now=timezone.now(), **form.validated_data
        )
        return Response(RatingOut(said).data)
