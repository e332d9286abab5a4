"""The workers' forum. Staff and requesters have no way in, whatever else they may do."""

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

from marketplace.api.auth import worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from workers import forum
from workers.membership import check_member, name_among_workers
from workers.models import Post


class PostIn(serializers.Serializer[Any]):
    text = Text(max_length=10_000)


class PostOut(serializers.ModelSerializer[Post]):
    author = serializers.SerializerMethodField(help_text="Their name among workers.")
    text = serializers.CharField()

    class Meta:
        model = Post
        fields = ["id", "author", "text", "made_at"]

    def get_author(self, post: Post) -> str:
        return name_among_workers(post.author)


class Posts(ListAPIView[Post]):
    """The threads of the workers' forum, newest first."""

    serializer_class = PostOut

    def get_queryset(self) -> QuerySet[Post]:
        return forum.threads(reader=worker_of(self.request))

    @extend_schema(operation_id="begin_thread", request=PostIn, responses={201: PostOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        return _write(request, None)


class Replies(ListAPIView[Post]):
    """The replies of one thread, newest first."""

    serializer_class = PostOut

    def get_queryset(self) -> QuerySet[Post]:
        return forum.replies(thread_id=self.kwargs["post_id"], reader=worker_of(self.request))

    @extend_schema(operation_id="list_replies")
    def get(self, request: Request, post_id: int) -> Response:
        return self.list(request)

    @extend_schema(operation_id="reply", request=PostIn, responses={201: PostOut})
    @once_per_key
    def post(self, request: Request, post_id: int) -> Response:
        get_object_or_404(forum.threads(reader=worker_of(request)), pk=post_id)
        return _write(request, post_id)


class Remove(APIView):
    """Take a post of yours out of the forum; representatives may remove any."""

    @extend_schema(operation_id="remove_post", request=None, responses={204: None})
    @once_per_key
    def post(self, request: Request, post_id: int) -> Response:
        worker = worker_of(request)
        check_member(worker)
        forum.remove(post=get_object_or_404(Post, pk=post_id), actor=worker, now=timezone.now())
        return Response(status=204)


def _write(request: Request, thread_id: int | None) -> Response:
    author = worker_of(request)
    form = PostIn(data=request.data)
    form.is_valid(raise_exception=True)
    made = forum.post(author=author, thread_id=thread_id, now=timezone.now(), **form.validated_data)
    return Response(PostOut(made).data, status=201)
