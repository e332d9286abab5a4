"""What may disturb: a batch says what it shows, and only workers who agreed to it are offered it.

The sorts are those that moderators' guidelines have in common. A worker agrees to each sort by
itself, and takes it back at any time; neither changes anything else about them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from workers import events
from workers.errors import InvalidWarning
from workers.models import User, Worker

WARNINGS = {
    "violence": "People or animals are attacked, hurt or threatened.",
    "gore": "Blood, wounds, dead bodies or mutilation are shown closely.",
    "sexual": "Nudity or sexual acts of adults are shown or described.",
    "abuse": "Abuse is described or shown, of children, partners or those in care.",
    "hate": "Groups of people are insulted, degraded or threatened for what they are.",
    "self_harm": "Suicide, self-injury or eating disorders are described or shown.",
    "medical": "Illness, operations or the inside of bodies are shown.",
    "drugs": "Drugs, or their use, are shown or described.",
    "disturbing": "Something else that many would rather not see; the instructions say what.",
}


def check(warnings: Iterable[str]) -> list[str]:
    """Return these codes in the order of ``WARNINGS``, each once.

    Raises ``InvalidWarning`` naming those that nobody knows.
    """
    asked = set(warnings)
    if unknown := sorted(asked - set(WARNINGS)):
        known = ", ".join(WARNINGS)
        raise InvalidWarning(f"There is no warning {', '.join(unknown)}. Use {known}.")
    return [code for code in WARNINGS if code in asked]


@transaction.atomic
def agree(*, worker: Worker, warnings: Iterable[str], now: datetime) -> list[str]:
    """Let ``worker`` be offered these sorts of content, and no others, from the next claim on.

    What they hold already stays theirs, to answer or to hand back. Returns what they agree to
    now; a repeat changes nothing. Raises ``InvalidWarning``.
    """
    wanted = check(warnings)
    row = Worker.objects.locked().select_related("user").get(pk=worker.pk)
    worker.content = wanted
    if row.content == wanted:
        return wanted
    changed = Worker.objects.filter(pk=worker.pk)
    changed.update(content=wanted)
    changed.bump_qualifications_version()
    actor: User = row.user
    events.record(
        kind="worker_content_agreed",
        subject_kind="worker",
        subject_id=worker.pk,
        actor=actor,
        at=now,
        data={"warnings": wanted},
    )
    return wanted


def covers(worker_pk: int, warnings: Collection[str]) -> bool:
    """Whether this worker agreed to all of ``warnings``; without any there is nothing to ask."""
    if not warnings:
        return True
    agreed = Worker.objects.values_list("content", flat=True).get(pk=worker_pk)
    return set(warnings) <= set(agreed)
