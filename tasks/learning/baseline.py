"""The built-in text classifier: learns a task's label from the words it shows.

TF-IDF weights of words, word pairs and runs of 2 to 4 characters, then logistic regression.
Every labelled task is predicted by a model that has not seen its label (cross-fitting), so
that the prediction may be judged by that label, or stand beside it as one more opinion.

Sources: G. Salton, C. Buckley, Term-weighting approaches in automatic text retrieval,
Information Processing & Management 24 (1988) 513-523; M. Stone, Cross-Validatory Choice and
Assessment of Statistical Predictions, JRSS B 36 (1974) 111-147; for the temperature see
``tasks.aggregation.calibration``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.calibration import fit_exponent, tempered
from tasks.learning.errors import NotEnoughLabels, NothingToRead

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
LEAST_PER_CLASS = 5  # labels; with fewer a class is missing from some folds' training too often
MOST_CLASSES = 100  # the memory of the fit grows with classes x terms
MOST_TERMS = 30_000  # of each kind, the most frequent
MOST_CHARACTERS = 20_000  # read of each text
# Words and, so that scripts without spaces and signs are read as well, everything else visible.
WORD = r"(?u)\w+|[^\w\s]+"
TERMS = (
    {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": WORD},
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
)
REGULARISATION = 10.0  # inverse strength: TF-IDF rows have length 1, so that 1 would be strong
ROUNDS = 1_000


class Predicted(NamedTuple):
    label: str
    probabilities: dict[str, float]  # by class, in alphabetical order; they sum to 1


class Trained(NamedTuple):
    """What a training run leaves behind."""

    predictions: dict[int, Predicted]  # by task; every task that has a text is there
    folds: dict[int, int]  # by labelled task: the fold whose model has not seen its label
    classes: tuple[str, ...]  # what the model has learnt, in alphabetical order
    exponent: float  # temperature of the full model; above 1 it had been too shy
    accuracy: float  # share of the labelled tasks predicted right out of fold


def fold_of(task: int, folds: int = FOLDS) -> int:
    """Return the fold of a task, 0 to ``folds`` - 1: the same whenever it gets its label.

    By a hash of the id and not by its remainder, because ids carry the order of the upload.
    """
    digest = hashlib.blake2b(str(task).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % folds


def text_of(task_input: Mapping[str, Any], fields: Sequence[str] | None = None) -> str:
    """Join the text fields of a task's input by line breaks.

    ``fields`` says which and in what order; None means all, in alphabetical order, since JSON
    in the database keeps none. A field that is missing or no string is left out.
    """
    chosen = sorted(task_input) if fields is None else fields
    values = (task_input.get(field) for field in chosen)
    return "\n".join(value for value in values if isinstance(value, str))


def train(
    texts: Mapping[int, str],
    labels: Mapping[int, str],
    *,
    weights: Mapping[int, float] | None = None,
    folds: int = FOLDS,
) -> Trained:
    """Learn from ``labels`` and predict every task of ``texts``.

    A task with a label is predicted by the model of its fold, trained on the other folds; a
    task without one by the model trained on all. Both are brought to honest confidence by a
    temperature fitted on out-of-fold predictions, a fold's own left out. Term weights are
    counted over all texts, which tells no label.

    ``weights`` say how sure each label is, in (0, 1], such as the confidence of a consensus;
    a label without one counts fully. Labels of tasks without a text are ignored. Classes of
    fewer than 5 labels are not learnt, nor more than the 100 most frequent: their tasks are
    predicted all the same, as another class. Ties go to the alphabetically first class.
    The order of the mappings does not matter.

    Raises ``NotEnoughLabels`` unless two classes can be learnt, ``NothingToRead`` when no
    labelled task shows any text, and ``ValueError`` for a weight out of range or < 2 folds.
    """
    if folds < 2:  # noqa: PLR2004 - with one fold nothing is left to train on
        raise ValueError(f"{folds} folds: at least 2 are needed")
    tasks = sorted(texts)
    labelled = [task for task in tasks if task in labels]
    classes = _learnable([labels[task] for task in labelled])
    if not any(texts[task].strip() for task in labelled):
        raise NothingToRead
    place = {task: row for row, task in enumerate(tasks)}
    known = _Known(
        rows=np.array([place[task] for task in labelled], np.int64),
        codes=np.array([_code(labels[task], classes) for task in labelled], np.int64),
        weights=_weights(labelled, weights or {}),
        folds=np.array([fold_of(task, folds) for task in labelled], np.int64),
        classes=len(classes),
    )
    probabilities, exponent = _predict(_terms([texts[task] for task in tasks]), known)
    winners = probabilities.argmax(axis=1)
    return Trained(
        predictions={
            task: Predicted(classes[winner], dict(zip(classes, row, strict=True)))
            for task, winner, row in zip(
                tasks, winners.tolist(), probabilities.tolist(), strict=True
            )
        },
        folds=dict(zip(labelled, known.folds.tolist(), strict=True)),
        classes=classes,
        exponent=exponent,
        accuracy=float((winners[known.rows] == known.codes).mean()),
    )


class _Known(NamedTuple):
    """The labelled tasks; the arrays have one entry each."""

    rows: Ints  # into the table of terms
    codes: Ints  # of the class, -1 for one that is not learnt
    weights: Floats
    folds: Ints
    classes: int

    def model(self, terms: Any, chosen: NDArray[np.bool_]) -> _Model:
        """Learn from the chosen ones, those of classes not learnt left out."""
        use = chosen & (self.codes >= 0)
        return _Model(terms[self.rows[use]], self.codes[use], self.weights[use], self.classes)


class _Model:
    """Logistic regression that also copes with classes its training data lack."""

    def __init__(self, terms: Any, codes: Ints, weights: Floats, classes: int) -> None:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes a second

        self._classes = classes
        self._seen = np.unique(codes)
        self._fit = None
        if len(self._seen) > 1:
            # Of the solvers for several classes the quickest where terms outnumber texts.
            self._fit = LogisticRegression(C=REGULARISATION, solver="newton-cg", max_iter=ROUNDS)
            self._fit.fit(terms, codes, sample_weight=weights)

    def probabilities(self, terms: Any) -> Floats:
        """Return shape (rows, classes); a class never seen has 0, with none seen all share."""
        found = np.zeros((terms.shape[0], self._classes))
        if self._fit is not None:
            found[:, self._seen] = self._fit.predict_proba(terms)
        else:
            found[:, self._seen if len(self._seen) else slice(None)] = 1.0
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def _predict(terms: Any, known: _Known) -> tuple[Floats, float]:
    """Return every task's probabilities, and the full model's exponent."""
    held_out = np.zeros((len(known.rows), known.classes))
    for fold in np.unique(known.folds):
        own = known.folds == fold
        held_out[own] = known.model(terms, ~own).probabilities(terms[known.rows[own]])
    learnt = known.codes >= 0
    exponent = fit_exponent(held_out[learnt], known.codes[learnt])
    everything = np.ones(len(known.rows), dtype=bool)
    found = tempered(known.model(terms, everything).probabilities(terms), exponent)
    for fold in np.unique(known.folds):
        own = known.folds == fold
        others = learnt & ~own
        cooled = tempered(held_out[own], fit_exponent(held_out[others], known.codes[others]))
        found[known.rows[own]] = cooled
    return found, exponent


def _learnable(labels: Sequence[str]) -> tuple[str, ...]:
    counted = Counter(labels)
    frequent = sorted(
        (label for label, count in counted.items() if count >= LEAST_PER_CLASS),
        key=lambda label: (-counted[label], label),
    )
    if len(frequent) < 2:  # noqa: PLR2004 - one class leaves nothing to tell apart
        raise NotEnoughLabels(
            f"Two classes with {LEAST_PER_CLASS} labels each are needed to learn from, and "
            f"{len(labels)} labels have {len(frequent)}: collect more answers first."
        )
    return tuple(sorted(frequent[:MOST_CLASSES]))


def _code(label: str, classes: Sequence[str]) -> int:
    return classes.index(label) if label in classes else -1


def _weights(tasks: Iterable[int], weights: Mapping[int, float]) -> Floats:
    found = np.array([weights.get(task, 1.0) for task in tasks])
    if not ((found > 0) & (found <= 1)).all():
        raise ValueError("weights must be above 0 and at most 1")
    return found


def _terms(texts: Sequence[str]) -> Any:
    """Return the sparse table of term weights, of shape (texts, terms); rows have length 1."""
    from scipy.sparse import hstack  # noqa: PLC0415 - see the package
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.preprocessing import normalize  # noqa: PLC0415

    read = [text[:MOST_CHARACTERS] for text in texts]
    tables = [
        TfidfVectorizer(max_features=MOST_TERMS, sublinear_tf=True, **kind).fit_transform(read)
        for kind in TERMS
    ]
    return normalize(hstack(tables, format="csr"))
