"""What the commands share: finding what was named, and refusing in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from marketplace.api.errors import DOMAIN
from tasks.models import Batch
from workers.models import User


@contextmanager
def refusals() -> Iterator[None]:
    """Let a refusal of the domain end the command with its sentence, not with a traceback."""
    try:
        yield
    except DOMAIN as error:
        raise CommandError(str(error)) from error


def user_called(username: str) -> User:
    """Return the user of that name, in any spelling of it."""
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        raise CommandError(f"There is no user called {username!r}.") from None


def batch_numbered(batch_id: int) -> Batch:
    """Return the batch of that id, with its project and requester."""
    try:
        return Batch.objects.select_related("project__requester").get(pk=batch_id)
    except Batch.DoesNotExist:
        raise CommandError(f"There is no batch {batch_id}.") from None
