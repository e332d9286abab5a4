"""The terms that bind everybody: published with notice, compared, agreed to. Never changed.

The first version ships with the release; an operator publishes their own as version 2.
"""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path

from django.db import transaction

from workers import events
from workers.errors import InvalidTerms, NoticeTooShort
from workers.models import Consent, Terms, User
from workers.models.voice import NOTICE

SHIPPED = Path(__file__).parent / "shipped" / "terms-1.md"


def current(now: datetime) -> Terms | None:
    """The version in force at ``now``: the newest whose first day has come. None without any."""
    return Terms.objects.filter(effective_at__lte=now).order_by("version").last()


@transaction.atomic
def publish(
    *, text: str, summary: str, effective_at: datetime, published_by: User | None, now: datetime
) -> Terms:
    """Publish the next version; ``summary`` says what changes. Its text stands for ever.

    Raises ``InvalidTerms`` without a text or a summary, and ``NoticeTooShort`` when it would come
    into force within 30 days. The first version alone needs no notice.
    """
    if not (text.strip() and summary.strip()):
        raise InvalidTerms
    # One at a time: a second one waits here, and then counts on from the first.
    newest = Terms.objects.select_for_update().order_by("version").last()
    if newest and effective_at < now + NOTICE:
        raise NoticeTooShort
    made = Terms.objects.create(
        version=newest.version + 1 if newest else 1,
        text=text,
        summary=summary,
        published_at=now,
        effective_at=effective_at,
        published_by=published_by,
    )
    said = {"version": made.version, "effective_at": effective_at}
    _record("terms_published", made, published_by, now, said)
    return made


def load_shipped(now: datetime) -> Terms:
    """Publish the shipped text as version 1, unless there are terms already; return version 1."""
    if first := Terms.objects.filter(version=1).first():
        return first
    summary = "The first version."
    text = SHIPPED.read_text("utf-8")
    return publish(text=text, summary=summary, effective_at=now, published_by=None, now=now)


@transaction.atomic
def consent(*, user: User, version: int, now: datetime) -> Consent:
    """Note that ``user`` agrees to this version, also before its first day.

    A repeat changes nothing. Raises ``Terms.DoesNotExist`` when there is no such version.
    """
    terms = Terms.objects.get(version=version)
    given, is_new = Consent.objects.get_or_create(
        user=user, terms=terms, defaults={"given_at": now}
    )
    if is_new:
        # Who has agreed to a newer version is not taken back to this one.
        User.objects.filter(pk=user.pk, terms_version__lt=version).update(terms_version=version)
        user.terms_version = max(user.terms_version, version)
        _record("terms_agreed", terms, user, now, {"version": version})
    return given


def agree_to_current(*, user: User, now: datetime) -> None:
    """Let ``user`` agree to the terms in force, if there are any; whoever registers does."""
    terms = current(now)
    if terms and user.terms_version < terms.version:
        consent(user=user, version=terms.version, now=now)


def difference(*, before: Terms, after: Terms) -> str:
    """The two texts as a unified diff, line by line; empty when they are the same."""
    lines = difflib.unified_diff(
        before.text.splitlines(),
        after.text.splitlines(),
        fromfile=str(before),
        tofile=str(after),
        lineterm="",
    )
    return "\n".join(lines)


def _record(
    kind: str, about: Terms, actor: User | None, now: datetime, said: dict[str, object]
) -> None:
    events.record(
        kind=kind, subject_kind="terms", subject_id=about.pk, actor=actor, at=now, data=said
    )
