"""Who speaks among the workers, and under which name.

Directive (EU) 2024/2831, article 20, asks for a channel that the platform does not read. So
nobody belongs who is staff or a requester, with whichever of their accounts.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from workers.errors import WorkersOnly
from workers.models import User, Worker


def check_member(worker: Worker) -> None:
    """Return if this worker belongs; raise ``WorkersOnly`` when not.

    They do while their account is not closed and no account of theirs is staff or a requester.
    A suspended worker still speaks: a suspension keeps from claiming, and from nothing else.
    """
    open_accounts = Worker.objects.exclude(status=Worker.Status.CLOSED)
    if not open_accounts.exclude(user__person__in=other_side()).filter(pk=worker.pk).exists():
        raise WorkersOnly


def other_side() -> QuerySet[User, int]:
    """The ids of persons of whom an account is staff or a requester."""
    has_interest = Q(is_staff=True) | Q(is_superuser=True) | Q(is_requester=True)
    return User.objects.filter(has_interest).values_list("person_id", flat=True)


def name_among_workers(worker: Worker) -> str:
    """The name other workers know this one by: no requester can tell it from a WorkerId."""
    digest = salted_hmac("workers.membership", worker.public_id, algorithm="sha256").hexdigest()
    return f"M{digest[:10].upper()}"
