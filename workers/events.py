"""The log of effects: who did what to what, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workers.models import Event, User


def record(
    *,
    kind: str,
    subject_kind: str,
    subject_id: int,
    actor: User | None,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Append one event; call it in the transaction that has the effect.

    ``kind`` says what happened in the past tense (``"qualification_granted"``), ``data`` what a
    reader needs beyond the subject, as JSON. ``actor`` is None when no one person did it.
    """
    return Event.objects.create(
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        actor=actor,
        at=at,
        data=dict(data or {}),
    )
