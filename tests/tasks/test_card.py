"""The card has what Croissant asks for, and says of the batch what its rows say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tasks import publish
from tasks.models import Batch, Report
from tasks.provenance.card import CONFORMS_TO, CONTEXT, File, card
from tasks.provenance.software import SOFTWARE
from tests.factories import (
    NOON,
    a_project,
    a_worker,
    drafted_batch,
    fresh,
    published_batch,
    submitted,
)
from tests.tasks.predicting import push_all, use
from tests.tasks.recording import answered_batch, recorded_batch, settled

pytestmark = pytest.mark.django_db
URL = "https://site.example/api/v1/batches/1"
RESULTS = File("results.csv", f"{URL}/results?format=csv", "results", "text/csv", "ab" * 32)
INTERFACE = [
    {"type": "image", "value": "${image}"},
    {"type": "choice", "name": "label", "title": "Which animal?", "options": ["cat", "dog"]},
    {"type": "choice", "name": "seen", "options": ["a", "b"], "multiple": True, "required": False},
    {"type": "rating", "name": "sure", "min": 1, "max": 5, "required": False},
    {"type": "number", "name": "count", "required": False},
]


def card_of(batch, *files, is_final=True, url=URL):
    batch = Batch.objects.select_related("project__requester", "version").get(pk=batch.pk)
    return card(batch, files or [RESULTS], url=url, is_final=is_final)


def labels_of(said):
    [labels] = [each for each in said["recordSet"] if each["@id"] == "labels"]
    return {each["name"]: each for each in labels["field"]}


def test_the_card_has_what_croissant_requires():
    batch = recorded_batch(["cat"], project=a_project(interface=INTERFACE[:2]))

    said = card_of(batch)

    required = ["@context", "@type", "conformsTo", "name", "description", "url", "creator"]
    assert all(said[name] for name in [*required, "datePublished", "distribution", "recordSet"])
    assert said["@type"] == "sc:Dataset"
    assert said["conformsTo"] == CONFORMS_TO
    assert said["datePublished"] == "2026-01-01"
    assert said["isLiveDataset"] is False
    assert "Say which animal you see." in said["description"]
    assert "license" not in said


def test_every_word_of_the_card_is_in_its_context():
    said = card_of(recorded_batch(["cat"]))
    known = {*CONTEXT, "name", "description", "url", "creator", "datePublished", "version"}
    known |= {"distribution", "contentUrl", "encodingFormat", "sha256"}

    for word in words(said):
        prefix, _, rest = word.partition(":")
        assert word.startswith("@") or word in known or (rest and prefix in CONTEXT), word


def words(said):
    """Every key, but for those of the context and of inline data."""
    if isinstance(said, dict):
        for key, inner in said.items():
            yield key
            if key not in {"@context", "data"}:
                yield from words(inner)
    elif isinstance(said, list):
        for inner in said:
            yield from words(inner)


def test_every_id_is_defined_once_and_every_reference_leads_to_one():
    said = card_of(recorded_batch(["cat"], project=a_project(interface=INTERFACE)))
    defined, referred = [], []

    def look(node):
        if isinstance(node, dict):
            if "@id" in node:
                (defined if "@type" in node else referred).append(node["@id"])
            for key, inner in node.items():
                if key != "@context":
                    look(inner)
        elif isinstance(node, list):
            for inner in node:
                look(inner)

    look(said)

    assert len(defined) == len(set(defined))
    assert set(referred) <= set(defined)


def test_files_have_their_address_and_their_hash_where_it_is_known():
    running = File("answers.ndjson", "answers.ndjson", "answers", "application/x-ndjson", None)

    results, answers = card_of(drafted_batch(), RESULTS, running, is_final=False)["distribution"]

    assert results == {
        "@type": "cr:FileObject",
        "@id": "results",
        "name": "results.csv",
        "description": "One row per task: its labels, their confidence, and the input.",
        "contentUrl": f"{URL}/results?format=csv",
        "encodingFormat": "text/csv",
        "sha256": "ab" * 32,
    }
    assert "sha256" not in answers


def test_the_fields_follow_from_the_interface():
    fields = labels_of(card_of(published_batch(project=a_project(interface=INTERFACE))))

    assert {name: each["dataType"].removeprefix("sc:") for name, each in fields.items()} == {
        "task": "Integer", "external_id": "Text",
        "label": "Text", "label.confidence": "Float",
        "seen": "Text", "seen.confidence": "Float",
        "sure": "Integer", "sure.confidence": "Float",
        "count": "Float", "count.confidence": "Float",
        "answers": "Integer", "input.image": "Text",
    }  # fmt: skip
    assert fields["label"]["description"] == "Label: Which animal?"
    assert fields["label"]["source"] == {
        "fileObject": {"@id": "results"},
        "extract": {"column": "label"},
    }


def test_the_options_of_a_choice_are_records_that_its_labels_refer_to():
    said = card_of(published_batch(project=a_project(interface=INTERFACE)))

    options = said["recordSet"][0]
    assert options["@id"] == "label_options"
    assert options["dataType"] == "sc:Enumeration"
    assert options["data"] == [{"label_options/value": "cat"}, {"label_options/value": "dog"}]
    assert labels_of(said)["label"]["references"] == {"field": {"@id": "label_options/value"}}
    assert len(said["recordSet"]) == 2


def test_a_running_batch_is_a_live_dataset():
    assert card_of(published_batch(), is_final=False)["isLiveDataset"] is True


def test_how_labels_came_about_is_said_in_the_vocabulary_for_responsible_ai():
    batch = recorded_batch(["cat", "cat"], ["dog", "cat"])

    said = card_of(batch)

    assert said["rai:annotationsPerItem"] == "2"
    assert said["rai:dataAnnotationPlatform"] == ["crowdwright 0.1.0, self-hosted"]
    assert said["rai:dataCollectionTimeframe"] == [
        "2026-01-01T12:00:00+00:00",
        "2026-01-01T12:03:30+00:00",
    ]
    assert (
        "2 paid workers were asked label (choice): 2 answers per task, by different persons."
        in (said["rai:dataAnnotationProtocol"])
    )
    assert any(
        "label: combined by majority_vote" in each for each in said["rai:dataAnnotationAnalysis"]
    )
    assert "rai:annotatorDemographics" not in said
    assert "rai:machineAnnotationTools" not in said


def test_what_gold_says_of_the_labels_is_told():
    batch = recorded_batch(["cat"])
    gold = {"estimate": 0.9, "low": 0.8, "high": 0.95, "answers": 40}
    agreement = {"alpha": {"value": 0.5}}
    element = {"method": "mace", "gold_accuracy": gold, "agreement": agreement}
    Report.objects.update(data={"closed": {"sentence": "All."}, "elements": {"label": element}})

    closed, label = card_of(batch)["rai:dataAnnotationAnalysis"]

    assert closed == "All."
    assert label == (
        "label: combined by mace, Krippendorff's alpha 0.500, right on 90.0% of 40 gold tasks"
        " (95 % interval 80.0% to 95.0%)."
    )


def test_uneven_answers_are_told_with_their_mean():
    batch = answered_batch(["cat", "cat", "cat"], ["dog"], overlap=3)
    publish.close(batch=fresh(batch), actor=batch.project.requester, now=NOON)

    said = card_of(settled(batch))

    assert said["rai:annotationsPerItem"] == "1 to 3, 2.00 on average over 2 labelled tasks"


def test_countries_are_told_once_enough_workers_are_of_one():
    crowd = [a_worker() for _ in range(10)]
    for worker in crowd:
        worker.country = "KE"
        worker.save()

    said = card_of(answered_batch(["cat"] * 10, workers=crowd))

    [countries] = said["rai:annotatorDemographics"]
    assert countries.startswith("Workers by country, of 10: KE 10. ")


def test_models_whose_suggestions_were_shown_are_named_and_others_are_not():
    batch = published_batch(tasks=1, aggregation="majority_vote")
    push_all(batch, lambda number: {"label": "dog"}, name="unused", version="1")
    push_all(batch, lambda number: {"label": "cat"}, name="resnet", version="7")
    use(batch, prelabels=True)
    submitted(batch)

    assert card_of(batch)["rai:machineAnnotationTools"] == ["resnet 7"]


def test_the_wage_statement_is_there_in_words_and_in_figures():
    batch = recorded_batch(["cat"], ["dog"])

    said = card_of(batch)

    wage = said["crowdwright:wageStatement"]
    text = wage.pop("crowdwright:text")
    # 5 cents in half a minute: 6 USD an hour.
    assert {name.removeprefix("crowdwright:"): value for name, value in wage.items()} == {
        "currency": "USD", "rewardMinor": 5, "medianPerHourMinor": 600,
        "tenthPercentilePerHourMinor": 600, "workers": 1, "acceptedAnswers": 2,
        "measure": "server clock, from claim or the worker's submit before to submit, less breaks",
        "rejectedAnswers": 0, "paidHours": 0.02, "unpaidHours": 0.0, "bonuses": 0, "bonusMinor": 0,
    }  # fmt: skip
    assert said["rai:dataAnnotationProtocol"].endswith(text)
    assert "half of the workers earned 6.00 USD per hour or more" in text
    assert "No answer was rejected: no submitted work went unpaid." in text
    assert "the share of workers below one is not known" in text


def test_the_software_is_named_with_the_version_it_is_released_as():
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    named = tomllib.loads(project.read_text())["project"]

    assert f"{named['name']} {named['version']}" == SOFTWARE
