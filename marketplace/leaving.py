"""Erasing an account: what every app knows of its owner, in one transaction."""

from __future__ import annotations

import json
import re
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from marketplace.models import ApiKey, StoredResponse
from payments.models import StripeEvent
from tasks import leaving
from workers import erasure
from workers.models import User


@transaction.atomic
def erase(*, user: User, now: datetime, actor: User | None = None) -> str:
    """Close ``user``'s account and remove all that names them; return their pseudonym.

    Earnings are paid out first where there is an account to pay to. Raises ``NotErasable`` while
    something of theirs is open. See ``workers.erasure`` for what stays.
    """
    username, email = user.username, user.email
    leaving.check_settled(user)
    leaving.pay_out(user, now=now)
    pseudonym = erasure.erase(user=user, now=now, actor=actor)
    ApiKey.objects.filter(user=user).delete()
    StoredResponse.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()  # and the confirmations that were sent
    # The admin's own history calls rows by their names; a name within another is not theirs.
    named = rf"(^|[^\w.+-]){re.escape(username)}($|[^\w.+-])"
    LogEntry.objects.filter(object_repr__iregex=named).update(object_repr=pseudonym)
    _end_sessions(user)
    if email:
        _forget_address(email, pseudonym)
    return pseudonym


def _end_sessions(user: User) -> None:
    """Delete the sessions of ``user``: they hold how somebody logged in, under which name."""
    key = str(user.pk)
    for session in Session.objects.iterator(chunk_size=1_000):
        if session.get_decoded().get("_auth_user_id") == key:
            session.delete()


def _forget_address(email: str, pseudonym: str) -> None:
    """Replace an e-mail address in what the payment provider has told: who paid, among others."""
    naming = StripeEvent.objects.annotate(text=Cast("payload", TextField()))
    for event in naming.filter(text__icontains=email):
        told = re.sub(re.escape(email), pseudonym, json.dumps(event.payload), flags=re.IGNORECASE)
        StripeEvent.objects.filter(pk=event.pk).update(payload=json.loads(told))
