"""The adapter to crowd-kit's classification methods.

This file and ``crowdkit_texts.py`` alone import crowd-kit or pandas. That takes seconds, so
only the job runner and the command line do, at the moment of use (``methods.fit``).
Source: D. Ustalov, N. Pavlichenko, B. Tseitlin, Learning from Crowds with Crowd-Kit,
Journal of Open Source Software 9 (2024); each method's paper is named in crowd-kit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from crowdkit.aggregation import (
    GLAD,
    KOS,
    MACE,
    DawidSkene,
    GoldMajorityVote,
    MajorityVote,
    OneCoinDawidSkene,
    Wawa,
    ZeroBasedSkill,
)
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from tasks.aggregation import methods
from tasks.aggregation.canonical import Canonical, canonical, even_out
from tasks.aggregation.crowdkit_mmsr import SteadyMMSR
from tasks.aggregation.crowdkit_texts import fit_text
from tasks.aggregation.errors import GoldNeeded, NotEnoughLabels, UnsupportedLabels
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority
from tasks.aggregation.methods import METHODS, TEXTS, WITHOUT_CROWDKIT, canonical_name

__all__ = ["METHODS", "fit"]

SEED = 0
KOS_CLASSES = 2
TIE = 1e-9  # probabilities this close are a tie: they differ by rounding only


class Opinion(NamedTuple):
    """What a method says about tasks 0, 1, … before the rules common to all apply."""

    winners: NDArray[np.int64]  # class by task, -1 where the method has no opinion
    confidences: NDArray[np.float64]  # by task
    skills: Mapping[int, float]  # by worker code


class Question(NamedTuple):
    """What a method is asked: ``frame`` has the columns task, worker and label, all codes."""

    frame: Any  # pandas.DataFrame, in canonical order
    tasks: int
    classes: int
    gold: Mapping[int, int]  # class code by task code


def fit(method: str, labels: Sequence[Label], *, gold: Mapping[int, str] | None = None) -> Fit:
    """Aggregate ``labels`` by any key of ``METHODS`` or ``ORIGINALS``, or crowd-kit's own name.

    The answer depends neither on the order of ``labels`` nor on the workers' ids; whatever is
    random is seeded. Confidences are the method's probabilities where it has them; KOS and
    MMSR have none, theirs is the winner's share of the votes. A skill is the probability of a
    right label under the method's own model; KOS and the text methods have none. Methods do
    not see what a label says, only which labels are the same.

    Rules for the edges: no labels give an empty fit. With one task, one worker or one class
    there is nothing to weigh, so the majority decides and nobody gets a skill. A task on which
    a method has no opinion (a probability that is not a number) gets the majority's. Ties go
    to the alphabetically first label.

    ``gold``, the known answers by task, is used by gold_majority_vote and online alone.

    Raises ``UnknownMethod``; ``UnsupportedLabels`` when a worker answered a task twice, or KOS
    gets more than two classes; ``NotEnoughLabels`` when the answers overlap too little for KOS
    or MMSR; ``GoldNeeded`` when no worker answered a gold task.
    """
    name = canonical_name(method)
    if name in WITHOUT_CROWDKIT or name not in {*FITTERS, *TEXTS}:
        return methods.fit(name, labels, gold=gold)
    if name in TEXTS:
        return fit_text(name, labels)
    return _classify(FITTERS[name], labels, gold or {})


def _classify(
    fitter: Callable[[Question], Opinion], labels: Sequence[Label], gold: Mapping[int, str]
) -> Fit:
    table = canonical(labels)
    votes = majority(labels)
    if not table.informative:
        return Fit(votes.consensus, {})
    with _quietly():
        opinion = fitter(_question(table, gold))
    consensus = {
        task: votes.consensus[task]
        if winner < 0
        else Consensus(table.classes[winner], min(max(float(confidence), 0.0), 1.0))
        for task, winner, confidence in zip(
            table.tasks, opinion.winners, opinion.confidences, strict=True
        )
    }
    return Fit(consensus, even_out(opinion.skills, table))


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what crowd-kit does on purpose, and nothing else.

    It divides by zero where a class has no weight and meets rows that are not numbers (which
    ``Opinion.winners`` then marks), and it predates scikit-learn's tags. KOS seeds numpy's
    global generator, which belongs to the caller: it is put back.
    """
    state = np.random.get_state()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.filterwarnings("ignore", r".*__sklearn_tags__", DeprecationWarning)
            warnings.filterwarnings("ignore", r".*DataFrame\.idxmax with all-NA", FutureWarning)
            yield
    finally:
        np.random.set_state(state)


def _question(table: Canonical, gold: Mapping[int, str]) -> Question:
    task_code = {task: code for code, task in enumerate(table.tasks)}
    class_code = {name: code for code, name in enumerate(table.classes)}
    return Question(
        frame=pd.DataFrame(table.rows, columns=["task", "worker", "label"]),
        tasks=len(table.tasks),
        classes=len(table.classes),
        # A gold answer that no worker gave is kept, as a class of its own: all were wrong.
        gold={
            task_code[task]: class_code.get(label, -1)
            for task, label in gold.items()
            if task in task_code
        },
    )


def _by_probability(question: Question, probabilities: Any, skills: Any) -> Opinion:
    table = probabilities.reindex(
        index=range(question.tasks), columns=range(question.classes)
    ).to_numpy(dtype=float)
    best = table.max(axis=1)
    winners = np.where(np.isfinite(best), (table >= best[:, None] - TIE).argmax(axis=1), -1)
    confidences = table[np.arange(question.tasks), winners]
    return Opinion(winners, confidences, _mapping(skills))


def _by_votes(question: Question, winners: Any, skills: Any) -> Opinion:
    decided = winners.dropna()
    chosen = np.full(question.tasks, -1)
    chosen[decided.index] = decided
    votes = np.zeros((question.tasks, question.classes))
    np.add.at(votes, (question.frame["task"], question.frame["label"]), 1)
    shares = votes[np.arange(question.tasks), chosen] / votes.sum(axis=1)
    return Opinion(chosen, shares, _mapping(skills))


def _mapping(skills: Any) -> dict[int, float]:
    return {int(worker): float(skill) for worker, skill in skills.dropna().items()}


def _wawa(question: Question) -> Opinion:
    model: Any = Wawa()
    return _by_probability(question, model.fit_predict_proba(question.frame), model.skills_)


def _zero_based_skill(question: Question) -> Opinion:
    model: Any = ZeroBasedSkill()
    return _by_probability(question, model.fit_predict_proba(question.frame), model.skills_)


def _gold_majority_vote(question: Question) -> Opinion:
    # Workers who met no gold task count like the average of those who did; crowd-kit refuses.
    gold = pd.Series(question.gold, dtype=int)
    if not question.frame["task"].isin(gold.index).any():
        raise GoldNeeded
    judge: Any = GoldMajorityVote().fit(question.frame, gold)
    skills = judge.skills_.dropna()
    model = MajorityVote(on_missing_skill="value", default_skill=float(skills.mean()))
    return _by_probability(question, model.fit_predict_proba(question.frame, skills), skills)


def _dawid_skene(question: Question) -> Opinion:
    model: Any = DawidSkene().fit(question.frame)
    # P(right) = Σ over classes of P(class) · P(answers class | class); a class the worker
    # never answered has no row, hence adds nothing.
    errors, priors = model.errors_, model.priors_
    workers = errors.index.get_level_values("worker")
    classes = errors.index.get_level_values("label")
    right = errors.to_numpy()[np.arange(len(errors)), errors.columns.get_indexer(classes)]
    skills = pd.Series(right * priors.reindex(classes).to_numpy()).groupby(workers.to_numpy()).sum()
    return _by_probability(question, model.probas_, skills)


def _one_coin_dawid_skene(question: Question) -> Opinion:
    model: Any = OneCoinDawidSkene().fit(question.frame)
    return _by_probability(question, model.probas_, model.skills_)


def _glad(question: Question) -> Opinion:
    model: Any = GLAD().fit(question.frame)
    ability = model.alphas_.reindex(question.frame["worker"]).to_numpy()
    ease = np.exp(model.betas_.reindex(question.frame["task"]).to_numpy())
    skills = pd.Series(expit(ability * ease)).groupby(question.frame["worker"]).mean()
    return _by_probability(question, model.probas_, skills)


def _mace(question: Question) -> Opinion:
    # crowd-kit draws the start of every restart from the same seed, so all ten of its
    # restarts are the same run: one gives the same answer in a tenth of the time.
    model = MACE(n_restarts=1, random_state=SEED).fit(question.frame)
    knows = model.spamming_[:, 1] / model.spamming_.sum(axis=1)
    # Who does not know is right by chance; in MACE's model all classes are equally likely.
    skills = pd.Series(
        knows + (1 - knows) / question.classes, index=pd.unique(question.frame["worker"])
    )
    return _by_probability(question, model.probas_, skills)


def _mmsr(question: Question) -> Opinion:
    model: Any = SteadyMMSR(random_state=SEED).fit(question.frame)
    weights = model.skills_
    if not np.isfinite(weights).any():
        raise NotEnoughLabels("MMSR compares workers in pairs: too few have tasks in common.")
    model.skills_ = weights.fillna(0.0)
    # The weight is log((K - 1) p / (1 - p)), so this is p.
    skills = expit(weights - np.log(question.classes - 1))
    return _by_votes(question, model.predict(question.frame), skills)


def _kos(question: Question) -> Opinion:
    if question.classes != KOS_CLASSES:
        raise UnsupportedLabels(f"KOS needs two classes; these labels have {question.classes}.")
    frame = question.frame[_on_cycles(question)]
    if frame["label"].nunique() < KOS_CLASSES:
        return _by_votes(question, pd.Series(dtype=float), pd.Series(dtype=float))
    try:
        winners = KOS(random_state=SEED).fit_predict(frame)
    except KeyError as nothing:  # a task's messages sum to exactly 0, the sign of no class
        raise NotEnoughLabels(
            "KOS found no signal: the answers cancel each other out."
        ) from nothing
    return _by_votes(question, winners, pd.Series(dtype=float))


def _on_cycles(question: Question) -> NDArray[np.bool_]:
    """Mark the answers in parts of the task-worker graph that have a cycle.

    In a part without one KOS's messages die out, and the sign of 0 is no label. A part has a
    cycle when it has at least as many answers as tasks and workers together.
    """
    tasks = question.frame["task"].to_numpy()
    workers = question.frame["worker"].to_numpy() + question.tasks
    nodes = int(workers.max()) + 1
    graph = coo_array((np.ones(len(tasks)), (tasks, workers)), shape=(nodes, nodes))
    _, part = connected_components(graph, directed=False)
    cyclic = np.bincount(part[tasks], minlength=part.max() + 1) >= np.bincount(part)
    return np.asarray(cyclic[part[tasks]], dtype=bool)


FITTERS: Mapping[str, Callable[[Question], Opinion]] = {
    "wawa": _wawa,
    "zero_based_skill": _zero_based_skill,
    "gold_majority_vote": _gold_majority_vote,
    "crowdkit_dawid_skene": _dawid_skene,
    "one_coin_dawid_skene": _one_coin_dawid_skene,
    "crowdkit_glad": _glad,
    "crowdkit_mace": _mace,
    "mmsr": _mmsr,
    "kos": _kos,
}
