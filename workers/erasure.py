"""Erasing what names somebody: the account ends by its owner's own decision, the books stay.

Every row refers to a user by number, so a pseudonym in the place of the name makes all of them
pseudonymous at once: decisions, events and transfers are records that the law asks to keep
(Regulation (EU) 2016/679, article 17(3)(b)), and none of them holds a name.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from workers import decisions, events, people, standing
from workers.errors import NotErasable
from workers.models import Block, Decision, Post, User, Worker

REASON = "The account was closed and erased at its owner's wish."


@transaction.atomic
def erase(*, user: User, now: datetime, actor: User | None) -> str:
    """Close the account, and replace whatever names its owner; return the pseudonym it has now.

    The decision is the owner's own, also when an operator (``actor``) carries it out. Gone are
    the username, e-mail address, names, password and texts in the forum; the WorkerId is
    another. Kept are the country, which tax reports need, and all that refers to the account. A
    repeat changes nothing. The caller removes what only the edge knows: sessions, tokens.

    Raises ``NotErasable`` for staff, who first have to give up that role.
    """
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if row.erased_at is not None:
        return row.username
    if row.is_staff or row.is_superuser:
        raise NotErasable("An account of staff cannot be erased. Take the role away first.")
    _close(row, now)
    pseudonym = f"erased-{secrets.token_hex(6)}"
    row.username, row.email, row.first_name, row.last_name = pseudonym, "", "", ""
    row.is_active, row.last_login, row.erased_at = False, None, now
    row.set_unusable_password()
    row.save()
    if worker := row.worker_or_none:
        _forget_worker(worker, now)
    events.record(
        kind="user_erased", subject_kind="user", subject_id=row.pk, actor=actor or row, at=now
    )
    return pseudonym


def _close(user: User, now: datetime) -> None:
    """Record the closure as the owner's decision; a closed worker stays as closed as they are."""
    worker = user.worker_or_none
    if worker is None:
        decisions.record(
            kind=Decision.Kind.CLOSE,
            subject_kind="user",
            subject_id=user.pk,
            concerns=user,
            made_by=user,
            reasons=REASON,
            now=now,
        )
    elif worker.status != Worker.Status.CLOSED:
        standing.close(worker=worker, reason=REASON, now=now, actor=user)


def _forget_worker(worker: Worker, now: datetime) -> None:
    """Replace the WorkerId, and empty what this worker wrote to others."""
    Worker.objects.filter(pk=worker.pk).update(
        public_id=people.new_public_id(), subdivision="", content=[], rest_until=None
    )
    posts = Post.objects.filter(author=worker)
    posts.filter(removed_at=None).update(removed_at=now)
    posts.update(text="")
    Block.objects.filter(worker=worker, direction=Block.Direction.WORKER).update(reason="")
