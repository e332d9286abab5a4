"""Free text: answers that differ only in spelling of case, width or spaces are one answer."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority


def normalise(text: str) -> str:
    """Return what two answers must share to count as the same: NFKC, case folded, single spaces.

    Compatibility characters are unified (full-width digits, ligatures, non-breaking spaces),
    and case is folded rather than lowered, so that STRASSE and straße agree. Normalising the
    result again changes nothing: folding can undo NFKC, so that is applied once more.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def text_majority(labels: Sequence[Label]) -> Fit:
    """Give each task the text most workers wrote, in its commonest original spelling.

    Votes are counted on normalised texts; the confidence is the share of the votes. Ties,
    between texts and between spellings, go to the alphabetically first. Skills are those of
    ``majority`` on the normalised texts.
    """
    spellings: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    normalised = [label._replace(label=normalise(label.label)) for label in labels]
    for original, plain in zip(labels, normalised, strict=True):
        spellings[plain.task, plain.label][original.label] += 1
    fit = majority(normalised)
    consensus = {
        task: Consensus(_commonest(spellings[task, winner]), confidence)
        for task, (winner, confidence) in fit.consensus.items()
    }
    return Fit(consensus, fit.skills)


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text))
