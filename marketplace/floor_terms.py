"""How operators write a wage floor, and whether the workers have voted for it."""

from __future__ import annotations

import re
from datetime import date, datetime

from payments import floors
from payments.errors import InvalidFloor
from payments.models import WageFloor
from payments.money import parse_money
from workers.models import Proposal

TERMS = re.compile(
    r"(?P<rate>\S+)\s+(?P<day>\d{4}-\d\d-\d\d)\s+(?:#(?P<vote>\d{1,18})\s+)?(?P<source>.+)"
)
SHAPE = "Write the rate, the first day, #17 for the workers' vote 17, and the source."


def propose(
    *, jurisdiction: str, currency: str, terms: str, actor_id: int, now: datetime
) -> WageFloor:
    """Propose a floor in words such as ``12.50 2027-01-01 #17 https://law.example/floor``.

    The vote may be left out. Raises what ``floors.propose`` does, ``UnknownCurrency``, and
    ``InvalidFloor`` for words of another shape.
    """
    said = TERMS.fullmatch(terms.strip())
    if said is None:
        raise InvalidFloor(SHAPE)
    return floors.propose(
        jurisdiction=jurisdiction,
        rate=parse_money(said["rate"], currency),
        valid_from=_day(said["day"]),
        source=said["source"],
        actor_id=actor_id,
        now=now,
        proposal_id=int(said["vote"]) if said["vote"] else None,
    )


def approve(*, floor: WageFloor, actor_id: int, now: datetime) -> None:
    """Approve a floor; a lower one of the platform's only if its vote was carried.

    Raises what ``floors.approve`` does.
    """
    vote = Proposal.objects.filter(
        pk=floor.proposal_id or 0, kind=Proposal.Kind.FLOOR, outcome=Proposal.Outcome.CARRIED
    )
    floors.approve(floor_id=floor.pk, actor_id=actor_id, now=now, vote_carried=vote.exists())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidFloor(SHAPE) from error
