"""The names of the aggregation methods, and the one call that runs any of them.

Knowing the names costs nothing: numpy and scipy, and crowd-kit, which takes seconds, are
imported by the first call that needs them. It belongs in the job runner or on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.aggregation.errors import UnknownMethod
from tasks.aggregation.labels import Fit, Label, Merged, Reading
from tasks.aggregation.majority import majority
from tasks.aggregation.text import text_majority

if TYPE_CHECKING:
    from tasks.aggregation.comparisons import Comparison

CLASSIFICATION: Mapping[str, str] = {
    "majority_vote": "most votes; confidence is their share",
    "online": "kinds of workers learnt from the crowd; the steadiest with few answers",
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
AUTO = "auto"  # in place of a method: the one that the batch's gold speaks for

# crowd-kit's own version of methods that are ours above. They are there to be compared with:
# ``fit`` and the command line know them, but no project is offered a slower twin.
ORIGINALS: Mapping[str, str] = {
    "crowdkit_dawid_skene": "same answers as dawid_skene",
    "crowdkit_glad": "same answers as glad; minutes for 100,000 of them",
    "crowdkit_mace": "other answers than mace where its habits get mixed up; see mace.py",
}

# What answers are not labels. Each group has its own call below.
COMPARISONS: Mapping[str, str] = {
    "crowd_bradley_terry": "scores, with the advantage of the first place and workers' attention",
    "bradley_terry": "crowd-kit's scores of items; every worker counts alike (1952)",
    "noisy_bradley_terry": "crowd-kit's, with a skill and a bias per worker",
}

EMBEDDINGS: Mapping[str, str] = {
    "closest_to_average": "the answer nearest to the mean of its task",
    "rasa": "nearest to the mean weighted by worker reliability (2019)",
    "hrrasa": "as rasa, with reliability task by task as well (2020)",
}

MULTIPLE: Mapping[str, str] = {
    "binary_relevance": "options one by one, by majority vote (2007)",
}

MASKS: Mapping[str, str] = {
    "segmentation_majority_vote": "pixels one by one, by majority vote",
    "segmentation_rasa": "pixels by votes weighted by agreement with the consensus mask",
    "segmentation_em": "pixels by expectation maximisation, one accuracy per worker (2012)",
}

VALUES: Mapping[str, str] = {
    "robust_number": "a robust mean: slips do not count, careless workers count less",
    "ordinal_pool": "ratings: the median of what is believed about levels in order",
    "weighted_kemeny": "rankings: the order that goes against the fewest weighted pairs (1959)",
}

ALL: Mapping[str, str] = {
    **METHODS,
    **ORIGINALS,
    **COMPARISONS,
    **EMBEDDINGS,
    **MULTIPLE,
    **MASKS,
    **VALUES,
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
    """Return the key of ``ALL`` meant by ``name``: "DawidSkene", "dawid-skene", "DAWID_SKENE".

    "CrowdkitDawidSkene" and the like mean a key of ``ORIGINALS``.

    Raises ``UnknownMethod``, whose message lists the names.
    """
    return _among(ALL, name)


def fit(method: str, labels: Sequence[Label], *, gold: Mapping[int, str] | None = None) -> Fit:
    """Aggregate ``labels`` by the method of that name; see ``crowdkit.fit`` for the rules.

    Only online and gold_majority_vote use ``gold``.

    Raises ``UnknownMethod``, also for a method that is not for labels, and what the method
    raises.
    """
    name = _among({**METHODS, **ORIGINALS}, method)
    if name == "online":
        from tasks.aggregation.online_fit import online  # noqa: PLC0415 - see above

        return online(labels, gold=gold)
    if name in WITHOUT_CROWDKIT:
        return WITHOUT_CROWDKIT[name](labels)
    from tasks.aggregation import crowdkit  # noqa: PLC0415 - seconds to import, see above

    return crowdkit.fit(name, labels, gold=gold)


def fit_comparisons(method: str, comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Return a score per item, higher is better, by any key of ``COMPARISONS``.

    ``comparisons.compare`` says more: errors, the advantage of the first, workers.
    Raises ``UnknownMethod`` and what the method raises.
    """
    name = _among(COMPARISONS, method)
    if name == "crowd_bradley_terry":
        from tasks.aggregation.comparisons import compare  # noqa: PLC0415 - see above

        scores = compare(comparisons).scores
        return {item: score.score for item, score in scores.items()}
    from tasks.aggregation import crowdkit_groups  # noqa: PLC0415 - seconds to import, see above

    return crowdkit_groups.fit_comparisons(name, comparisons)


def fit_embeddings(method: str, readings: Sequence[Reading]) -> Merged:
    """Choose an answer per task, numbers or lists of numbers, by any key of ``EMBEDDINGS``.

    Raises ``UnknownMethod`` and what ``crowdkit_groups.fit_embeddings`` raises.
    """
    name = _among(EMBEDDINGS, method)
    from tasks.aggregation import crowdkit_groups  # noqa: PLC0415 - seconds to import, see above

    return crowdkit_groups.fit_embeddings(name, readings)


def fit_multiple(method: str, readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ticked options by any key of ``MULTIPLE``.

    ``multiple.fit_multiple`` does the same with any method for labels.
    Raises ``UnknownMethod`` and what ``crowdkit_groups.fit_multiple`` raises.
    """
    name = _among(MULTIPLE, method)
    from tasks.aggregation import crowdkit_groups  # noqa: PLC0415 - seconds to import, see above

    return crowdkit_groups.fit_multiple(name, readings)


def fit_masks(method: str, readings: Sequence[Reading]) -> Merged:
    """Aggregate masks by any key of ``MASKS``.

    Raises ``UnknownMethod`` and what ``crowdkit_masks.fit_masks`` raises.
    """
    name = _among(MASKS, method)
    from tasks.aggregation import crowdkit_masks  # noqa: PLC0415 - seconds to import, see above

    return crowdkit_masks.fit_masks(name, readings)


def fit_values(
    method: str, readings: Sequence[Reading], *, levels: tuple[int, int] | None = None
) -> Merged:
    """Aggregate numbers, ratings or rankings by any key of ``VALUES``.

    ``levels`` are the lowest and highest rating; without them, those that were given.
    Raises ``UnknownMethod`` and what the method raises.
    """
    name = _among(VALUES, method)
    if name == "robust_number":
        from tasks.aggregation.numbers import fit_numbers  # noqa: PLC0415 - see above

        return fit_numbers(readings)
    if name == "weighted_kemeny":
        from tasks.aggregation.rankings import fit_rankings  # noqa: PLC0415 - see above

        return fit_rankings(readings)
    from tasks.aggregation.ratings import fit_ratings  # noqa: PLC0415 - see above

    given = [reading.value for reading in readings] or [0]
    lowest, highest = levels or (min(given), max(given))
    return fit_ratings(readings, (lowest, max(highest, lowest + 1)))


def _among(group: Mapping[str, str], name: str) -> str:
    wanted = _plain(name)
    for method in group:
        if _plain(method) == wanted:
            return method
    raise UnknownMethod(f"There is no method {name!r}. There are: {', '.join(group)}.")


def _plain(name: str) -> str:
    return name.casefold().translate({ord(separator): None for separator in "_- "})
