"""The workers' forum: theirs alone, kept in order by themselves."""

from __future__ import annotations

import pytest

from tests.factories import HOUR, NOON, a_requester, a_user, a_worker, fresh, link
from tests.workers.voting import in_office
from workers import forum, standing
from workers.errors import IllegalPost, NotYours, WorkersOnly
from workers.membership import name_among_workers
from workers.models import Event, Office, Post, User

pytestmark = pytest.mark.django_db


def post(author=None, text="Hello.", thread=None):
    thread_id = thread and thread.pk
    return forum.post(author=author or a_worker(), text=text, thread_id=thread_id, now=NOON)


def test_workers_read_threads_and_their_replies():
    thread = post()
    reply = post(text="Hello to you.", thread=thread)
    reader = a_worker()

    assert list(forum.threads(reader=reader)) == [thread]
    assert list(forum.replies(thread_id=thread.pk, reader=reader)) == [reply]


def test_a_reply_goes_to_the_first_post_of_a_thread_only():
    reply = post(thread=post())

    with pytest.raises(IllegalPost):
        post(thread=reply)
    with pytest.raises(Post.DoesNotExist):
        forum.replies(thread_id=reply.pk, reader=a_worker())


@pytest.mark.parametrize("role", ["is_staff", "is_superuser", "is_requester"])
def test_whoever_is_staff_or_a_requester_stays_outside_even_if_they_work_too(role):
    thread, both = post(), a_worker()
    User.objects.filter(worker=both).update(**{role: True})

    with pytest.raises(WorkersOnly):
        forum.threads(reader=both)
    with pytest.raises(WorkersOnly):
        post(both)
    with pytest.raises(WorkersOnly):
        forum.remove(post=thread, actor=both, now=NOON)


def test_a_second_account_is_no_way_in():
    spy, requester = a_worker(), a_user(worker=True, requester=True)
    link(spy, requester.worker)

    with pytest.raises(WorkersOnly):
        forum.threads(reader=spy)


def test_a_suspended_worker_still_speaks_and_a_closed_account_does_not():
    worker = a_worker()
    standing.suspend(worker=worker, reason="Spam.", now=NOON, actor=a_requester())
    post(worker)

    standing.close(worker=worker, reason="Spam.", now=NOON, actor=a_requester())

    with pytest.raises(WorkersOnly):
        post(worker)


def test_an_author_removes_their_post_with_its_replies_out_of_sight():
    author = a_worker()
    thread = post(author)
    post(thread=thread)

    forum.remove(post=thread, actor=author, now=NOON + HOUR)
    forum.remove(post=thread, actor=author, now=NOON + 2 * HOUR)

    assert fresh(thread).removed_at == NOON + HOUR
    assert not forum.threads(reader=author)
    with pytest.raises(Post.DoesNotExist):
        forum.replies(thread_id=thread.pk, reader=author)
    with pytest.raises(IllegalPost):
        post(thread=thread)
    assert Event.objects.filter(kind="post_removed").count() == 1


def test_others_remove_nothing_unless_they_were_elected():
    thread, other = post(), a_worker()

    with pytest.raises(NotYours):
        forum.remove(post=thread, actor=other, now=NOON)
    in_office(other, Office.Kind.REVIEWER)
    with pytest.raises(NotYours):
        forum.remove(post=thread, actor=other, now=NOON)
    in_office(other, Office.Kind.REPRESENTATIVE)
    forum.remove(post=thread, actor=other, now=NOON)

    assert fresh(thread).removed_at == NOON


def test_no_event_holds_what_was_written():
    post(text="A secret plan.")

    assert "secret" not in str(list(Event.objects.values_list("data", flat=True)))


def test_the_name_among_workers_is_no_worker_id_and_stays_the_same():
    worker, other = a_worker(), a_worker()

    assert name_among_workers(worker) == name_among_workers(fresh(worker))
    assert name_among_workers(worker) != name_among_workers(other)
    assert worker.public_id[1:5] not in name_among_workers(worker)
