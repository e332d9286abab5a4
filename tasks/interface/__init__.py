"""What a worker is shown and asked: a project's ``interface``, and whether an answer fits it.

An interface is a JSON list of elements (or ``{"elements": [...]}``). An element with a
``name`` asks for an answer, one with a ``value`` shows something of the task's input:

    [{"type": "image", "value": "${url}"},
     {"type": "choice", "name": "label", "options": ["cat", "dog"]}]

Each type of element is described in docs/interfaces.md and has its class here, by family. No
Django: the edge, the steps and the command line read interfaces alike.
"""

from __future__ import annotations

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface.checker import Checker
from tasks.interface.choice import Choice, shown_order
from tasks.interface.comparing import Pairwise, Ranking, shown_flipped
from tasks.interface.display import DISPLAYS, Display
from tasks.interface.marks import MAX_MARKS, Marks, MarksOf
from tasks.interface.masks import MAX_SIDE, Masks
from tasks.interface.parsing import (
    MAX_ELEMENTS,
    MAX_PAGES,
    MAX_QUESTIONS,
    QUESTIONS,
    SUPPORTED,
    parse,
)
from tasks.interface.question import Question
from tasks.interface.ranges import AudioRegions, Spans, VideoRegions
from tasks.interface.reading import (
    MAX_NUMBER,
    MAX_OPTION_LENGTH,
    MAX_OPTIONS,
    MAX_TEMPLATE_LENGTH,
    MAX_TITLE_LENGTH,
    NAME,
    UNSTORABLE,
    Option,
)
from tasks.interface.relations import Relations
from tasks.interface.scales import Number, Rating
from tasks.interface.shapes import Boxes, Keypoints, Polygons
from tasks.interface.survey import Condition, Page, Survey
from tasks.interface.templates import FIELD, fields_of, fill
from tasks.interface.text import DEFAULT_TEXT_LENGTH, MAX_TEXT_LENGTH, Text
from tasks.interface.whole import Interface, answer_schema

__all__ = [
    "DEFAULT_TEXT_LENGTH",
    "DISPLAYS",
    "FIELD",
    "MAX_ELEMENTS",
    "MAX_MARKS",
    "MAX_NUMBER",
    "MAX_OPTIONS",
    "MAX_OPTION_LENGTH",
    "MAX_PAGES",
    "MAX_QUESTIONS",
    "MAX_SIDE",
    "MAX_TEMPLATE_LENGTH",
    "MAX_TEXT_LENGTH",
    "MAX_TITLE_LENGTH",
    "NAME",
    "QUESTIONS",
    "SUPPORTED",
    "UNSTORABLE",
    "AudioRegions",
    "Boxes",
    "Checker",
    "Choice",
    "Condition",
    "Display",
    "Interface",
    "InvalidAnswer",
    "InvalidInterface",
    "Keypoints",
    "Marks",
    "MarksOf",
    "Masks",
    "Number",
    "Option",
    "Page",
    "Pairwise",
    "Polygons",
    "Question",
    "Ranking",
    "Rating",
    "Relations",
    "Spans",
    "Survey",
    "Text",
    "VideoRegions",
    "answer_schema",
    "fields_of",
    "fill",
    "parse",
    "shown_flipped",
    "shown_order",
]
