"""crowd-kit's aggregators of free text, without the model downloads they are usually fed with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from statistics import fmean
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from crowdkit.aggregation import ROVER, TextHRRASA, TextRASA
from nltk.translate.gleu_score import sentence_gleu
from numpy.typing import NDArray

from tasks.aggregation.canonical import canonical
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.text import normalise

DIMENSIONS = 512  # of the embedding; few enough to be quick, enough that trigrams rarely collide


def fit_text(method: str, labels: Sequence[Label]) -> Fit:
    """Aggregate texts by ``method``, a key of ``methods.TEXTS`` other than ``text_majority``.

    The confidence of a task is the mean similarity of its answers to the consensus, word by
    word and ignoring case, width and spaces: 1 when all agree. Whole sentences are rarely the
    same twice, so a share of equal answers would say little. The text of a task with a single
    answer is that answer, with confidence 1. Skills are empty: what these methods estimate
    about workers is a weight without a unit.
    """
    table = canonical(labels)
    answers: defaultdict[int, list[str]] = defaultdict(list)
    for task, _, text in table.rows:
        answers[table.tasks[task]].append(table.classes[text])
    shared = [row for row in table.rows if len(answers[table.tasks[row[0]]]) > 1]
    frame = pd.DataFrame(shared, columns=["task", "worker", "text"])
    frame["text"] = frame["text"].map(table.classes.__getitem__)
    texts = {task: given[0] for task, given in answers.items()}
    if shared:
        fitted = AGGREGATORS[method](frame)
        texts |= {table.tasks[int(code)]: str(text) for code, text in fitted.items()}
    return Fit(
        consensus={
            task: Consensus(text, _support(text, answers[task])) for task, text in texts.items()
        },
        skills={},
    )


def _rover(frame: Any) -> Mapping[Any, Any]:
    # The first text is the spine the others are aligned to, so the order within a task
    # matters: alphabetical, whoever wrote it.
    ordered = frame.sort_values(["task", "text"])
    return dict(ROVER(str.split, " ".join).fit_predict(ordered))


def _rasa(frame: Any) -> Mapping[Any, Any]:
    return dict(TextRASA(encoder=_embedding).fit_predict(frame, None))


def _hrrasa(frame: Any) -> Mapping[Any, Any]:
    # crowd-kit's default similarity splits one text into words and the other into characters.
    model = TextHRRASA(encoder=_embedding, output_similarity=_word_gleu)
    return dict(model.fit_predict(frame, None))


AGGREGATORS: Mapping[str, Callable[[Any], Mapping[Any, Any]]] = {
    "rover": _rover,
    "text_rasa": _rasa,
    "text_hrrasa": _hrrasa,
}


def _embedding(text: str) -> NDArray[np.float64]:
    """Return a unit vector of the text's hashed words and character trigrams.

    A stand-in for a sentence encoder that needs no model: texts are close when they share
    spelling, not meaning. The first dimension is never 0, because crowd-kit cannot compare
    empty vectors.
    """
    plain = normalise(text)
    padded = f" {plain} "
    vector = np.zeros(DIMENSIONS)
    vector[0] = 1e-3
    for feature in [*plain.split(), *(padded[i : i + 3] for i in range(len(padded) - 2))]:
        vector[1 + crc32(feature.encode()) % (DIMENSIONS - 1)] += 1
    return vector / np.linalg.norm(vector)


def _word_gleu(text: str, other: Any) -> float:
    return float(sentence_gleu([text.split()], str(other).split()))


def _support(consensus: str, answers: Sequence[str]) -> float:
    words = normalise(consensus).split()
    similarities = (
        SequenceMatcher(a=words, b=normalise(answer).split(), autojunk=False).ratio()
        for answer in answers
    )
    return fmean(similarities)
