"""The dataset card of a batch: what its files hold, how they came about, what was paid for them.

Source: MLCommons Croissant 1.0 (http://mlcommons.org/croissant/1.0) and its vocabulary for
responsible AI (http://mlcommons.org/croissant/RAI/1.0), as JSON-LD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from tasks.interface import Choice, Number, Question, Rating
from tasks.models import Batch, Report
from tasks.provenance.software import SOFTWARE
from tasks.provenance.wages import COUNTRY_LEAST, Crowd, Pay, crowd_of, in_words, pay_of
from tasks.versions import asked

CONFORMS_TO = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
# Words that Croissant has no property for. A name only: nothing is to be fetched there.
OWN = "urn:crowdwright:card:"
CROISSANT = (
    "citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "samplingRate", "separator", "source",
    "subField", "transform",
)  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "crowdwright": OWN,
    "conformsTo": "dct:conformsTo",
    "equivalentProperty": "cr:equivalentProperty",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{name: f"cr:{name}" for name in CROISSANT},
}
CONTENT = {
    "results": "One row per task: its labels, their confidence, and the input.",
    "answers": "One row per answer as it was given, gold included, by per-batch pseudonym.",
    "provenance": "One record per labelled task, in a chain of hashes.",
}
ANSWERS_PER_TASK = """
SELECT count(*), min(answers), avg(answers)::float8, max(answers) FROM (
    SELECT max(c.answers) AS answers
    FROM tasks_consensus c JOIN tasks_task t ON t.id = c.task_id
    WHERE t.batch_id = %(batch)s AND t.lane <> 2 GROUP BY c.task_id) labelled
"""
TOOLS = """
SELECT p.name, p.version FROM tasks_predictor p
WHERE p.project_id = %(project)s AND (
    EXISTS (SELECT FROM tasks_assignment a JOIN tasks_prediction s ON s.id = a.suggestion_id
            WHERE a.batch_id = %(batch)s AND s.predictor_id = p.id)
    OR EXISTS (SELECT FROM tasks_prediction s JOIN tasks_task t ON t.id = s.task_id
               JOIN tasks_consensus c ON c.task_id = t.id
               WHERE t.batch_id = %(batch)s AND c.source = 'model' AND s.predictor_id = p.id))
ORDER BY p.id
"""


class File(NamedTuple):
    """One download of the batch."""

    name: str
    url: str  # absolute, or the name of a file beside the card
    what: str  # a key of ``CONTENT``
    media_type: str
    sha256: str | None  # in hex; None where the file may still change


def card(batch: Batch, files: Sequence[File], *, url: str, is_final: bool) -> dict[str, Any]:
    """Return the card as JSON-LD; ``is_final`` says that no label will change any more.

    License and citation are the requester's to add, as nobody else knows them.
    """
    questions = asked(batch.version_id).checker.interface.questions
    published = batch.closed_at or batch.published_at or batch.created_at
    said = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"{batch.project.title} (batch {batch.pk})",
        "description": _description(batch, questions),
        "url": url,
        "creator": {"@type": "sc:Organization", "name": batch.project.requester.username},
        "datePublished": published.date().isoformat(),
        "version": f"{batch.version.number}.0.0",
        "isLiveDataset": not is_final,
        "distribution": [_file(each) for each in files],
        "recordSet": [
            *(_options(each) for each in questions if _has_options(each)),
            _labels(questions, batch, next(each for each in files if each.what == "results")),
        ],
        **_responsibly(batch, questions),
    }
    return {name: value for name, value in said.items() if value not in ("", None, [])}


def _description(batch: Batch, questions: Sequence[Question]) -> str:
    names = ", ".join(each.name for each in questions)
    instructions = batch.version.instructions.strip()
    shown = f" Workers were told: {instructions}" if instructions else ""
    return (
        f"Labels ({names}) that workers gave {batch.task_count} tasks of batch {batch.pk}.{shown}"
    )


def _file(file: File) -> dict[str, Any]:
    said = {
        "@type": "cr:FileObject",
        "@id": file.what,
        "name": file.name,
        "description": CONTENT[file.what],
        "contentUrl": file.url,
        "encodingFormat": file.media_type,
    }
    return {**said, "sha256": file.sha256} if file.sha256 else said


def _labels(questions: Sequence[Question], batch: Batch, file: File) -> dict[str, Any]:
    """Describe the columns of the results."""
    fields = [
        _field("task", "sc:Integer", "The task's id."),
        _field("external_id", "sc:Text", "The requester's own name for the task."),
    ]
    for each in questions:
        label = _field(each.name, _type(each), f"Label: {each.title or each.name}")
        if _has_options(each):
            label["references"] = {"field": {"@id": f"{each.name}_options/value"}}
        confidence = f"Probability that {each.name} is right, in [0, 1]."
        fields += [label, _field(f"{each.name}.confidence", "sc:Float", confidence)]
    fields.append(_field("answers", "sc:Integer", "Answers that the labels rest on."))
    for name in sorted(asked(batch.version_id).checker.interface.fields):
        fields.append(_field(f"input.{name}", "sc:Text", f"Shown to the worker: {name}."))
    return {
        "@type": "cr:RecordSet",
        "@id": "labels",
        "name": "labels",
        "description": CONTENT[file.what],
        "key": {"@id": "labels/task"},
        "field": fields,
    }


def _field(column: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"labels/{column}",
        "name": column,
        "description": description,
        "dataType": kind,
        "source": {"fileObject": {"@id": "results"}, "extract": {"column": column}},
    }


def _type(question: Question) -> str:
    """The type of a label in a CSV cell; lists and objects are JSON texts there."""
    if isinstance(question, Rating):
        return "sc:Integer"
    return "sc:Float" if isinstance(question, Number) else "sc:Text"


def _has_options(question: Question) -> bool:
    return isinstance(question, Choice) and not question.multiple


def _options(question: Question) -> dict[str, Any]:
    """List what a choice was between, as records of their own."""
    place = f"{question.name}_options"
    value = {
        "@type": "cr:Field",
        "@id": f"{place}/value",
        "name": "value",
        "description": "The option.",
        "dataType": "sc:Text",
    }
    return {
        "@type": "cr:RecordSet",
        "@id": place,
        "name": place,
        "description": f"What {question.name} can be.",
        "dataType": "sc:Enumeration",
        "key": {"@id": f"{place}/value"},
        "field": [value],
        "data": [{f"{place}/value": option.value} for option in question.listed],
    }


def _responsibly(batch: Batch, questions: Sequence[Question]) -> dict[str, Any]:
    """What the vocabulary for responsible AI asks, and the wage statement."""
    crowd, pay = crowd_of(batch), pay_of(batch)
    report = Report.objects.filter(batch=batch).values_list("data", flat=True).first() or {}
    statement = in_words(pay)
    period = [each.isoformat() for each in (crowd.since, crowd.until) if each]
    return {
        "rai:dataCollectionType": ["Manual Human Curator"],
        "rai:dataCollectionTimeframe": period,
        "rai:dataAnnotationProtocol": _protocol(batch, crowd, questions) + " " + statement,
        "rai:dataAnnotationPlatform": [f"{SOFTWARE}, self-hosted"],
        "rai:dataAnnotationAnalysis": _analysis(report),
        "rai:annotationsPerItem": _per_item(batch),
        "rai:annotatorDemographics": _countries(crowd),
        "rai:machineAnnotationTools": _tools(batch),
        "crowdwright:wageStatement": _wage(pay, crowd, statement),
    }


def _countries(crowd: Crowd) -> list[str]:
    if not crowd.countries:
        return []
    shares = ", ".join(f"{name} {count}" for name, count in crowd.countries.items())
    hidden = f"Countries of fewer than {COUNTRY_LEAST} are not named."
    return [f"Workers by country, of {crowd.workers}: {shares}. {hidden}"]


def _protocol(batch: Batch, crowd: Crowd, questions: Sequence[Question]) -> str:
    kinds = ", ".join(f"{each.name} ({each.kind})" for each in questions)
    policy = (
        f"between {batch.overlap_min} and {batch.overlap_max} answers per task, as the evidence"
        " called for"
        if batch.is_adaptive
        else f"{batch.overlap} answers per task"
    )
    return (
        f"{crowd.workers} paid workers were asked {kinds}: {policy}, by different persons."
        f" {crowd.gold_answers} of {crowd.answers} answers were to tasks whose answer was known."
        f" Answers were combined by {batch.aggregation}."
    )


def _analysis(report: Mapping[str, Any]) -> list[str]:
    """Put agreement and accuracy into words, as far as the batch's report knows them."""
    said = []
    if sentence := report.get("closed", {}).get("sentence"):
        said.append(sentence)
    for name, element in report.get("elements", {}).items():
        facts = [f"combined by {element['method']}"] if element.get("method") else []
        alpha = ((element.get("agreement") or {}).get("alpha") or {}).get("value")
        if alpha is not None:
            facts.append(f"Krippendorff's alpha {alpha:.3f}")
        gold = element.get("gold_accuracy") or {}
        if gold.get("answers"):
            facts.append(
                f"right on {gold['estimate']:.1%} of {gold['answers']} gold tasks"
                f" (95 % interval {gold['low']:.1%} to {gold['high']:.1%})"
            )
        if facts:
            said.append(f"{name}: {', '.join(facts)}.")
    return said


def _per_item(batch: Batch) -> str:
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS_PER_TASK, {"batch": batch.pk})
        labelled, least, mean, most = cursor.fetchone()
    if not labelled:
        return ""
    if least == most:
        return str(least)
    return f"{least} to {most}, {mean:.2f} on average over {labelled} labelled tasks"


def _tools(batch: Batch) -> list[str]:
    """Name the models whose predictions workers saw, or that stand as labels."""
    with connection.cursor() as cursor:
        cursor.execute(TOOLS, {"batch": batch.pk, "project": batch.project_id})
        return [f"{name} {version}" for name, version in cursor.fetchall()]


def _wage(pay: Pay, crowd: Crowd, statement: str) -> dict[str, Any]:
    """The wage statement in figures; amounts are minor units of the currency."""
    figures = {
        "text": statement,
        "currency": pay.reward.currency,
        "rewardMinor": pay.reward.minor,
        "medianPerHourMinor": pay.median and pay.median.minor,
        "tenthPercentilePerHourMinor": pay.low and pay.low.minor,
        "measure": "server clock, from claim or the worker's submit before to submit, less breaks",
        "workers": crowd.workers,
        "acceptedAnswers": pay.accepted,
        "rejectedAnswers": pay.rejected,
        "paidHours": pay.paid_hours,
        "unpaidHours": pay.unpaid_hours,
        "bonuses": pay.bonuses,
        "bonusMinor": pay.bonus.minor,
    }
    return {f"crowdwright:{name}": each for name, each in figures.items() if each is not None}
