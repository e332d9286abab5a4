"""The names of the aggregation methods, and the one call that runs any of them.

Knowing the names costs nothing: numpy and scipy, and crowd-kit, which takes seconds, are
imported by the first call that needs them. It belongs in the job runner or on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tasks.aggregation.errors import UnknownMethod
from tasks.aggregation.labels import Fit, Label
from tasks.aggregation.majority import majority
from tasks.aggregation.text import text_majority

CLASSIFICATION: Mapping[str, str] = {
    "majority_vote": "most votes; confidence is their share",
    "wawa": "votes weighted by agreement with the majority; the steadiest of the cheap ones",
    "zero_based_skill": "as wawa, weights and answers re-estimated in turn until they settle",
    "gold_majority_vote": "votes weighted by each worker's share of right answers on gold tasks",
    "dawid_skene": "a confusion matrix per worker, by expectation maximisation (1979)",
    "one_coin_dawid_skene": "one accuracy per worker; good for many classes, can collapse",
    "glad": "worker ability and task difficulty (2009)",
    "mace": "workers either know or click by habit (2013); finds spammers",
    "mmsr": "robust rank-one completion of agreement (2020); slow over 200 workers, needs overlap",
    "kos": "message passing between tasks and workers (2011); two classes only, can collapse",
}

TEXTS: Mapping[str, str] = {
    "text_majority": "the text most workers wrote, ignoring case, width and spaces",
    "rover": "texts aligned word by word, then a vote on each word (1997)",
    "text_rasa": "the answer closest to the mean text, weighted by worker reliability (2019)",
    "text_hrrasa": "as text_rasa, with reliability task by task as well (2020)",
}

METHODS: Mapping[str, str] = {**CLASSIFICATION, **TEXTS}

# crowd-kit's own version of methods that are ours above. They are there to be compared with:
# ``fit`` and the command line know them, but no project is offered a slower twin.
ORIGINALS: Mapping[str, str] = {
    "crowdkit_dawid_skene": "same answers as dawid_skene",
    "crowdkit_glad": "same answers as glad; minutes for 100,000 of them",
    "crowdkit_mace": "other answers than mace where its habits get mixed up; see mace.py",
}


def _dawid_skene(labels: Sequence[Label]) -> Fit:
    from tasks.aggregation.dawid_skene import dawid_skene  # noqa: PLC0415 - see above

    return dawid_skene(labels)


def _glad(labels: Sequence[Label]) -> Fit:
    from tasks.aggregation.glad import glad  # noqa: PLC0415 - see above

    return glad(labels)


def _mace(labels: Sequence[Label]) -> Fit:
    from tasks.aggregation.mace import mace  # noqa: PLC0415 - see above

    return mace(labels)


WITHOUT_CROWDKIT: Mapping[str, Callable[[Sequence[Label]], Fit]] = {
    "majority_vote": majority,
    "dawid_skene": _dawid_skene,
    "glad": _glad,
    "mace": _mace,
    "text_majority": text_majority,
}


def canonical_name(name: str) -> str:
    """Return the key of ``METHODS`` meant by ``name``: "DawidSkene", "dawid-skene", "DAWID_SKENE".

    "CrowdkitDawidSkene" and the like mean a key of ``ORIGINALS``.

    Raises ``UnknownMethod``, whose message lists the names.
    """
    wanted = _plain(name)
    for method in (*METHODS, *ORIGINALS):
        if _plain(method) == wanted:
            return method
    raise UnknownMethod(f"There is no method {name!r}. There are: {', '.join(METHODS)}.")


def fit(method: str, labels: Sequence[Label], *, gold: Mapping[int, str] | None = None) -> Fit:
    """Aggregate ``labels`` by the method of that name; see ``crowdkit.fit`` for the rules.

    Raises ``UnknownMethod`` and what the method raises.
    """
    name = canonical_name(method)
    if name in WITHOUT_CROWDKIT:
        return WITHOUT_CROWDKIT[name](labels)
    from tasks.aggregation import crowdkit  # noqa: PLC0415 - seconds to import, see above

    return crowdkit.fit(name, labels, gold=gold)


def _plain(name: str) -> str:
    return name.casefold().translate({ord(separator): None for separator in "_- "})
