"""The workers' forum: threads and replies that neither staff nor requesters can read.

No page of the admin shows posts, and no export but an author's own holds them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from workers import events, offices
from workers.errors import IllegalPost, NotYours
from workers.membership import check_member
from workers.models import Office, Post, Worker


def threads(*, reader: Worker) -> QuerySet[Post]:
    """The first posts of all threads, those removed left out. Raises ``WorkersOnly``."""
    check_member(reader)
    return Post.objects.filter(thread=None, removed_at=None).select_related("author")


def replies(*, thread_id: int, reader: Worker) -> QuerySet[Post]:
    """The replies of one thread, those removed left out.

    Raises ``WorkersOnly``, and ``Post.DoesNotExist`` without such a thread.
    """
    first = threads(reader=reader).get(pk=thread_id)
    return first.replies.filter(removed_at=None).select_related("author")


@transaction.atomic
def post(*, author: Worker, text: str, thread_id: int | None = None, now: datetime) -> Post:
    """Begin a thread, or reply to one. The text is kept as it was written.

    Raises ``WorkersOnly``, and ``IllegalPost`` when the thread is none, or was removed.
    """
    check_member(author)
    if thread_id is not None and not _open_threads().filter(pk=thread_id).exists():
        raise IllegalPost
    made = Post.objects.create(author=author, thread_id=thread_id, text=text, made_at=now)
    _record("post_made", made, author, now)
    return made


@transaction.atomic
def remove(*, post: Post, actor: Worker, now: datetime) -> None:
    """Take a post out of sight, with its replies if it begins a thread. A repeat changes nothing.

    Raises ``WorkersOnly``, and ``NotYours`` for those who neither wrote it nor represent others.
    """
    check_member(actor)
    is_own = post.author_id == actor.pk
    if not (is_own or offices.holds(actor, Office.Kind.REPRESENTATIVE, now=now)):
        raise NotYours
    # The old state is in the WHERE: of two removals one is recorded.
    if Post.objects.filter(pk=post.pk, removed_at=None).update(removed_at=now):
        _record("post_removed", post, actor, now)


def _open_threads() -> QuerySet[Post]:
    return Post.objects.filter(thread=None, removed_at=None)


def _record(kind: str, about: Post, actor: Worker, now: datetime) -> None:
    """Write the event. It names who acted and never what was written."""
    events.record(kind=kind, subject_kind="post", subject_id=about.pk, actor=actor.user, at=now)
