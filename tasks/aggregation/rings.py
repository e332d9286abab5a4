"""Do workers agree more often than their skills and the tasks explain? Copies and rings.

Honest workers agree where a task is easy, and where it misleads everybody alike, so each pair
is compared with what ``independent`` makes of two such workers and these very tasks.

* An agreement counts the more, the less likely the label was: the score is the log likelihood
  ratio of copying half of the answers against answering independently. Shared mistakes weigh.
* Its signed root is close to normal where workers are independent. Genuine crowds are not
  quite (like minds, hard tasks), so mean and spread are read off all pairs, growing with the
  number of shared tasks. That takes for granted that most pairs are genuine.
* Pairs are corrected for their number by Benjamini and Hochberg's rule. So are triangles of
  pairs, which find rings whose pairs are each too faint.
* Whoever copies less than ``COPIED`` is not named, however sure it is: like minds do as much.

Findings are a reason to look, never a verdict. The few experts of a job on which the crowd is
wrong look like a ring until gold says otherwise; give ``beliefs`` that know the gold.

Sources: the copy model is that of X. Dong, L. Berti-Equille, D. Srivastava, Integrating
Conflicting Data: The Role of Source Dependence, PVLDB 2 (2009); signed roots: O.
Barndorff-Nielsen, Inference on Full or Partial Parameters Based on the Standardized Signed
Log Likelihood Ratio, Biometrika 73 (1986); the spread: B. Efron, Large-Scale Simultaneous
Hypothesis Testing, JASA 99 (2004).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array, triu
from scipy.special import ndtr

from tasks.aggregation.independent import Crowd, crowd_of, shared
from tasks.aggregation.online import Answers, Floats, Ints
from tasks.aggregation.significance import discoveries

LEAST_SHARED = 5  # tasks: with fewer even full agreement is chance
LEVEL = 0.05  # share of the findings that may be false
COPIED = 0.5  # share of the answers copied, from which like minds are no explanation
RING_COPIED = 0.7  # the same for a triangle's mean: people of one school form triangles, too
FAINT = 2.0  # score of a triangle's sides: below, a bystander rides on the ring's strong pairs
NEVER = 1e-9
STEEPEST = 8.0  # of the tilts tried; beyond, nothing but full agreement is left


class PairFinding(NamedTuple):
    """Two workers, ``a`` < ``b``, who agree more often than independent ones would."""

    a: int
    b: int
    shared: int  # tasks both answered
    agreed: int
    expected: float  # agreements, were they independent
    copied: float  # estimated share of answers copied: of the possible excess, how much there is
    p_value: float  # of the pair, or of the best triangle it is in


class Pairs(NamedTuple):
    """All pairs that were examined, most shared tasks first, then by ``a`` and ``b``."""

    a: Ints
    b: Ints
    shared: Ints
    agreed: Ints
    expected: Floats
    score: Floats  # standard normal where workers are independent, high where they copy

    @property
    def copied(self) -> Floats:
        """Share of the agreements that could exceed the expected ones, and do."""
        room = np.maximum(self.shared - self.expected, NEVER)
        share: Floats = (self.agreed - self.expected) / room
        return share


def pairs_above_chance(
    answers: Answers, beliefs: Floats, workers: int, *, limit: int = 20_000
) -> list[PairFinding]:
    """Return the pairs of workers who look like copies, surest first, then by ``a`` and ``b``.

    ``beliefs`` says for each answer how likely each class of its task is without that answer:
    ``OnlineModel.without_own_answer``, and the known class for certain where it is gold. Of the
    pairs that share ``LEAST_SHARED`` tasks, the ``limit`` with most shared tasks are examined.
    """
    pairs = compare(answers, beliefs, workers, limit=limit)
    p_values = ndtr(-pairs.score)
    found = discoveries(p_values, level=LEVEL) & (pairs.copied >= COPIED)
    for index, p_value in _triangles(pairs).items():
        found[index] = True
        p_values[index] = min(p_values[index], p_value)
    findings = [
        PairFinding(
            a=int(pairs.a[i]),
            b=int(pairs.b[i]),
            shared=int(pairs.shared[i]),
            agreed=int(pairs.agreed[i]),
            expected=float(pairs.expected[i]),
            copied=float(pairs.copied[i]),
            p_value=float(p_values[i]),
        )
        for i in np.flatnonzero(found)
    ]
    return sorted(findings, key=lambda pair: (pair.p_value, pair.a, pair.b))


def compare(answers: Answers, beliefs: Floats, workers: int, *, limit: int = 20_000) -> Pairs:
    """Score every pair that ``pairs_above_chance`` examines."""
    if not answers.tasks.size:
        nobody = np.zeros(0, np.int64)
        return Pairs(nobody, nobody, nobody, nobody, np.zeros(0), np.zeros(0))
    crowd = crowd_of(answers, beliefs, workers)
    a, b, tasks = _sharing(crowd, limit)
    compared = [_compared(crowd, int(x), int(y)) for x, y in zip(a, b, strict=True)]
    agreed, expected, roots = np.array(compared, float).reshape(-1, 3).T
    return Pairs(a, b, tasks, agreed.astype(np.int64), expected, _standardised(roots, tasks))


def rings(findings: Iterable[PairFinding]) -> list[frozenset[int]]:
    """Group workers who support each other's suspicion; larger rings first, then by member.

    Pairs with a third worker in common are joined first. Of what is left, pairs that touch no
    such ring are joined too; a worker who hangs on a ring by one pair is not drawn into it.
    A bystander who agrees with the copied worker by chance may be: look at each member.
    """
    partners: defaultdict[int, set[int]] = defaultdict(set)
    for pair in findings:
        partners[pair.a].add(pair.b)
        partners[pair.b].add(pair.a)
    links = {(x, y) for x, others in partners.items() for y in others}
    supported = {(x, y) for x, y in links if partners[x] & partners[y]}
    found = _components(supported)
    taken = frozenset().union(*found)
    found += _components({(x, y) for x, y in links if x not in taken and y not in taken})
    return sorted(found, key=lambda ring: (-len(ring), sorted(ring)))


def _sharing(crowd: Crowd, limit: int) -> tuple[Ints, Ints, Ints]:
    """Return the pairs to examine and how many tasks they share."""
    tasks, workers, _ = crowd.answers
    shape = (len(crowd.starts) - 1, len(crowd.votes))
    answered = coo_array((np.ones(tasks.size), (workers, tasks)), shape=shape).tocsr()
    common = triu(answered @ answered.T, 1).tocoo()
    enough = common.data >= LEAST_SHARED
    a, b = common.row[enough].astype(np.int64), common.col[enough].astype(np.int64)
    count = common.data[enough].astype(np.int64)
    first = np.lexsort((b, a, -count))[:limit]
    return a[first], b[first], count[first]


def _compared(crowd: Crowd, a: int, b: int) -> tuple[float, float, float]:
    """Return how often two workers agree, how often they would by chance, and the root."""
    labels_a, labels_b, both = shared(crowd, a, b)
    agreed = labels_a == labels_b
    weights = np.log1p(1 / np.sqrt(both))
    score = float(weights[np.arange(labels_a.size), labels_a][agreed].sum())
    return float(agreed.sum()), float(both.sum()), _signed_root(score, both, weights)


def _signed_root(score: float, both: Floats, weights: Floats) -> float:
    """Return the signed root of twice the log likelihood ratio of the tilt to the ``score``.

    Task by task the score is a label's weight with the probability that both give it, else 0.
    """
    apart = 1 - both.sum(axis=1)
    tilt = 0.0
    for _ in range(25):  # Newton's steps, held back; about 6 are needed
        tilted = both * np.exp(tilt * weights)
        total = apart + tilted.sum(axis=1)
        mean = (tilted * weights).sum(axis=1) / total
        spread = (tilted * weights**2).sum(axis=1) / total - mean**2
        step = float(np.clip((score - mean.sum()) / max(spread.sum(), NEVER), -1, 1))
        tilt = float(np.clip(tilt + step, -STEEPEST, STEEPEST))
        if abs(step) < 1e-6 or abs(tilt) == STEEPEST:  # noqa: PLR2004 - far below any digit shown
            break
    logs = np.log(apart + (both * np.exp(tilt * weights)).sum(axis=1)).sum()
    return float(np.sign(tilt) * np.sqrt(max(2 * (tilt * score - logs), 0.0)))


def _standardised(roots: Floats, tasks: Ints) -> Floats:
    """Return the roots less what genuine pairs of this crowd show of common mind.

    A common excess per shared task shifts a root with √shared, and one that differs from pair
    to pair spreads it likewise; both are fitted by medians, which a few rings do not move.
    """
    if not roots.size:
        return roots
    steps = np.sqrt(tasks)
    centred = roots - max(float(np.median(roots / steps)), 0.0) * steps
    below, above = 0.0, 4.0
    for _ in range(40):
        middle = (below + above) / 2
        median = np.median(np.abs(centred) / np.sqrt(1 + middle * tasks))
        usual = 0.6745  # median of the absolute value of a standard normal
        below, above = (middle, above) if median > usual else (below, middle)
    standardised: Floats = centred / np.sqrt(1 + below * tasks)
    return standardised


def _triangles(pairs: Pairs) -> Mapping[int, float]:
    """Return the p-values of pairs in a triangle that chance does not explain."""
    sides = np.flatnonzero((pairs.copied >= COPIED) & (pairs.score > FAINT))
    index = {(int(pairs.a[i]), int(pairs.b[i])): int(i) for i in sides}
    later: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in index:
        later[a].add(b)
    triangles = [
        (index[a, b], index[a, c], index[b, c]) for a, b in index for c in later[a] & later[b]
    ]
    if not triangles:
        return {}
    corners = np.array(triangles)
    corners = corners[pairs.copied[corners].mean(axis=1) >= RING_COPIED]
    p_values = ndtr(-pairs.score[corners].sum(axis=1) / np.sqrt(3))
    found = discoveries(p_values, level=LEVEL, tests=_count_triangles(pairs))
    best: dict[int, float] = {}
    for sides_found, p_value in zip(corners[found], p_values[found], strict=True):
        for side in sides_found.tolist():
            best[side] = min(best.get(side, 1.0), float(p_value))
    return best


def _count_triangles(pairs: Pairs) -> float:
    size = int(pairs.b.max()) + 1
    linked = coo_array((np.ones(len(pairs.a)), (pairs.a, pairs.b)), shape=(size, size)).tocsr()
    return float(((linked @ linked) * linked).sum())


def _components(links: set[tuple[int, int]]) -> list[frozenset[int]]:
    ring_of: dict[int, set[int]] = {}
    for a, b in sorted(links):
        joined = ring_of.get(a, {a}) | ring_of.get(b, {b})
        for member in joined:
            ring_of[member] = joined
    return [frozenset(ring) for ring in {id(ring): ring for ring in ring_of.values()}.values()]
