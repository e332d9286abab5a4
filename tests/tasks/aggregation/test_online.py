from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.communities import Communities
from tasks.aggregation.online import Answers, OnlineModel
from tests.tasks.aggregation.crowds import answers, crowd, model

TASKS, WORKERS, CLASSES = 5, 5, 3

triples = st.dictionaries(
    st.tuples(st.integers(0, TASKS - 1), st.integers(0, WORKERS - 1)),
    st.integers(0, CLASSES - 1),
    max_size=20,
).map(lambda given: [(*pair, label) for pair, label in given.items()])


def small(rows: list[tuple[int, int, int]], **options: object) -> OnlineModel:
    return OnlineModel(
        answers(*rows),
        tasks=TASKS,
        workers=WORKERS,
        classes=CLASSES,
        **options,  # type: ignore[arg-type]
    )


@given(triples)
@settings(max_examples=50)
def test_a_label_that_nobody_gave_is_never_the_likeliest(rows):
    fitted = small(rows).refit()

    for task in {task for task, _, _ in rows}:
        labels = {label for here, _, label in rows if here == task}
        assert fitted.posterior(task).argmax() in labels


def test_the_only_one_to_see_a_rare_label_leaves_the_task_in_doubt():
    # Workers 0 to 3 call everything 0; worker 4 is alone on one task, and says 1 as they do
    # on every task, so their 1 tells nothing.
    rows = [(task, worker, 0) for task in range(20) for worker in range(4)]
    rows += [(task, 4, 1) for task in range(20)] + [(20, 4, 1)]

    alone = OnlineModel(answers(*rows), tasks=21, workers=5, classes=2).refit().posterior(20)

    assert alone.argmax() == 1
    assert alone[1] == pytest.approx(1 / 1.99)


@given(triples)
@settings(max_examples=50)
def test_posteriors_are_probabilities_that_sum_to_one(rows):
    posteriors = small(rows).refit().posteriors

    assert posteriors.shape == (TASKS, CLASSES)
    assert (posteriors >= 0).all()
    assert posteriors.sum(axis=1) == pytest.approx(1)


@given(triples, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_answers_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))

    assert (small(shuffled).refit().posteriors == small(rows).refit().posteriors).all()


@given(triples, st.permutations(range(WORKERS)))
@settings(max_examples=50)
def test_the_names_of_workers_do_not_matter(rows, names):
    renamed = [(task, names[worker], label) for task, worker, label in rows]

    there, here = small(renamed).refit(), small(rows).refit()

    assert there.posteriors == pytest.approx(here.posteriors, abs=1e-4)
    assert there.skills()[list(names)] == pytest.approx(here.skills(), abs=1e-4)


def test_it_finds_more_right_labels_than_the_majority():
    recording = crowd(tasks=1_000, skills=(0.95, 0.95, 0.9, 0.55, 0.55, 0.5, 0.5), overlap=5)
    votes = np.zeros((recording.tasks, 2))
    np.add.at(votes, (recording.answers.tasks, recording.answers.labels), 1)

    posteriors = model(recording).refit().posteriors

    right = (posteriors.argmax(axis=1) == recording.truth).mean()
    assert right > (votes.argmax(axis=1) == recording.truth).mean() + 0.05
    assert right > 0.9


def test_skills_come_near_the_workers_real_share_of_right_labels():
    skills = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6)

    fitted = model(crowd(tasks=2_000, skills=skills)).refit(25)

    assert fitted.skills() == pytest.approx(skills, abs=0.05)
    assert fitted.accuracy == pytest.approx(np.mean(skills), abs=0.03)
    assert fitted.confusions().sum(axis=2) == pytest.approx(1)


def test_a_worker_never_seen_is_taken_for_an_average_one():
    recording = crowd(tasks=500, skills=(0.8,) * 8)._replace(workers=9)

    skills = model(recording).refit().skills()

    assert skills[8] == pytest.approx(0.8, abs=0.1)


def test_a_task_without_answers_has_the_class_prior():
    fitted = small([(0, 0, 1), (0, 1, 1), (1, 0, 2)]).refit()

    assert fitted.posterior(4) == pytest.approx(fitted.prior)


def test_without_any_answers_every_class_is_as_likely():
    fitted = small([]).refit()

    assert fitted.posteriors == pytest.approx(1 / CLASSES)
    assert fitted.skills() == pytest.approx(fitted.accuracy, abs=0.2)


@pytest.mark.parametrize("label", range(CLASSES))
def test_an_answer_is_weighed_without_itself(label):
    # Worker 4 answers task 0 and nothing else, so nothing is known of them for its sake.
    rows = [(task, worker, 0) for task in range(TASKS) for worker in range(4)]

    fitted = small([*rows, (0, 4, label)]).refit(1)

    own = fitted._worker == 4
    unknown = Communities.starting(fitted._learned())
    assert fitted._rows[:, own].ravel() == pytest.approx(
        unknown.shares @ unknown.rows[:, :, label], rel=1e-4
    )


def test_the_posterior_without_an_answer_is_that_of_the_others():
    recording = crowd(tasks=300)
    fitted = model(recording).refit()

    without = fitted.without_own_answer()

    assert without.shape == (len(recording.answers.tasks), 2)
    assert without.sum(axis=1) == pytest.approx(1, abs=1e-5)
    alone = answers((0, 0, 1), (1, 1, 0))
    lonely = OnlineModel(alone, tasks=2, workers=2, classes=2).refit()
    assert lonely.without_own_answer() == pytest.approx(
        np.broadcast_to(lonely.prior, (2, 2)), abs=1e-6
    )


def test_own_answers_do_not_vouch_for_a_worker():
    recording = crowd(tasks=100, overlap=2, skills=(0.8,) * 6)
    fitted = model(recording).refit()

    labels = recording.answers.labels
    with_own = fitted.posteriors[recording.answers.tasks, labels]
    without_own = fitted.without_own_answer()[np.arange(len(labels)), labels]

    assert with_own.mean() > without_own.mean()


def test_gold_is_certain_and_its_evidence_is_not():
    recording = crowd(tasks=100)
    task = int(np.flatnonzero(recording.truth == 1)[0])

    fitted = model(recording, gold={task: 0}).refit()

    assert fitted.posterior(task).tolist() == [1.0, 0.0]
    assert fitted.evidence[task] == pytest.approx(model(recording).refit().evidence[task], abs=0.2)


def test_gold_teaches_about_workers_the_majority_is_wrong_about():
    # Three spammers outvote two careful workers; ten gold tasks tell who is who.
    rows = [
        (task, worker, task % 2 if worker < 2 else (task // 2) % 2)
        for task in range(60)
        for worker in range(5)
    ]
    ungilded = OnlineModel(answers(*rows), tasks=60, workers=5, classes=2).refit()
    gold = {task: task % 2 for task in range(20)}

    gilded = OnlineModel(answers(*rows), tasks=60, workers=5, classes=2, gold=gold).refit()

    assert ungilded.skills()[0] < ungilded.skills()[4]
    assert gilded.skills()[0] > gilded.skills()[4] + 0.2
    assert (gilded.posteriors.argmax(axis=1) == np.arange(60) % 2).all()


def test_a_warm_start_saves_rounds_and_changes_no_conclusion():
    recording = crowd(tasks=400)
    early = Answers(*(column[:1_500] for column in recording.answers))
    before = model(recording._replace(answers=early)).refit()

    warm = model(recording, start=before).refit(3)

    cold = model(recording).refit()
    agreed = warm.posteriors.argmax(axis=1) == cold.posteriors.argmax(axis=1)
    assert agreed.mean() > 0.98


def test_a_start_may_know_fewer_tasks_and_workers():
    before = OnlineModel(answers((0, 0, 1)), tasks=1, workers=1, classes=2).refit()

    after = OnlineModel(
        answers((0, 0, 1), (1, 1, 0)), tasks=2, workers=2, classes=2, start=before
    ).refit(1)

    assert after.posteriors.argmax(axis=1).tolist() == [1, 0]


def test_an_even_split_of_many_good_workers_is_unsound():
    skilled = [(task, worker, task % 2) for task in range(40) for worker in range(10)]
    disputed = [(40, worker, worker % 2) for worker in range(10)]

    fitted = OnlineModel(answers(*skilled, *disputed), tasks=41, workers=10, classes=2).refit()

    soundness = fitted.soundness()
    assert soundness[40] < 0.5
    assert soundness[:40].min() > 0.95


def test_one_class_is_no_question():
    with pytest.raises(ValueError, match="at least two classes"):
        OnlineModel(answers((0, 0, 0)), tasks=1, workers=1, classes=1)
