"""Reads an interface from its JSON form, element by element, and what holds between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.errors import InvalidInterface
from tasks.interface.choice import Choice
from tasks.interface.comparing import Pairwise, Ranking
from tasks.interface.display import DISPLAYS, Display
from tasks.interface.masks import Masks
from tasks.interface.question import Question
from tasks.interface.ranges import AudioRegions, Spans, VideoRegions
from tasks.interface.reading import (
    MAX_OPTIONS,
    MAX_TITLE_LENGTH,
    Element,
    read_name,
    read_string,
    refuse_unknown_keys,
)
from tasks.interface.relations import Relations
from tasks.interface.scales import Number, Rating
from tasks.interface.shapes import Boxes, Keypoints, Polygons
from tasks.interface.survey import Condition, Page, Survey
from tasks.interface.text import Text
from tasks.interface.whole import Interface

MAX_ELEMENTS = 50  # of an interface, and of a page
MAX_PAGES = 50
MAX_QUESTIONS = 100  # on all pages together: a checker's build time grows with them, too

TYPES: tuple[type[Question], ...] = (
    *(Choice, Text, Rating, Number, Pairwise, Ranking),
    *(Boxes, Polygons, Keypoints, Masks, Spans, Relations, AudioRegions, VideoRegions),
)
QUESTIONS = {each.kind: each for each in TYPES}
SUPPORTED = (
    f"Asking: {', '.join(QUESTIONS)} (with a name), survey. "
    "Showing: audio, chat, html, image, text (with a value), video."
)


def parse(interface: object) -> Interface:
    """Read an interface from its JSON form.

    Raises ``InvalidInterface``, whose message says which element is wrong and what to write.
    """
    elements = interface
    if isinstance(interface, dict):
        refuse_unknown_keys("The interface", interface, {"elements"})
        elements = interface.get("elements")
    parsed: list[Question | Display | Survey] = []
    asked: dict[str, Question] = {}
    for place, element in _listed("The interface", "", elements):
        if _type_of(place, element) == "survey":
            parsed.append(_survey(place, element, asked))
        else:
            parsed.append(_element(place, element, asked))
    _check(asked)
    return Interface(tuple(parsed))


def _listed(owner: str, prefix: str, elements: object) -> Iterable[tuple[str, Any]]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS:
        raise InvalidInterface(f"{owner} must be a list of 1 to {MAX_ELEMENTS} elements.")
    named = f"{prefix}, element" if prefix else "Element"
    return ((f"{named} {number}", element) for number, element in enumerate(elements, 1))


def _type_of(place: str, element: object) -> object:
    if not isinstance(element, dict):
        raise InvalidInterface(f'{place} must be an object with a "type". {SUPPORTED}')
    return element.get("type")


def _element(place: str, element: Element, asked: dict[str, Question]) -> Question | Display:
    """Read one element; a question is added to those ``asked`` so far, by name."""
    kind = _type_of(place, element)
    shows = kind == "text" and "name" not in element
    if isinstance(kind, str) and kind in QUESTIONS and not shows:
        question = QUESTIONS[kind].read(place, element)
        if question.name in asked:
            raise InvalidInterface(
                f"Two elements are named {question.name!r}: give each its own name."
            )
        asked[question.name] = question
        return question
    if isinstance(kind, str) and kind in DISPLAYS:
        return Display.read(place, element)
    raise InvalidInterface(f"{place}: type {kind!r:.60} is not supported. {SUPPORTED}")


def _survey(place: str, element: Element, asked: dict[str, Question]) -> Survey:
    refuse_unknown_keys(place, element, {"type", "pages"})
    pages = element.get("pages")
    if not isinstance(pages, list) or not 1 <= len(pages) <= MAX_PAGES:
        raise InvalidInterface(f'{place}: "pages" must be a list of 1 to {MAX_PAGES} pages.')
    return Survey(
        tuple(_page(f"{place}, page {number}", page, asked) for number, page in enumerate(pages, 1))
    )


def _page(place: str, page: object, asked: dict[str, Question]) -> Page:
    if not isinstance(page, dict):
        raise InvalidInterface(f'{place} must be an object with a list of "elements".')
    refuse_unknown_keys(place, page, {"title", "elements", "show_if"})
    condition = _condition(place, page["show_if"], asked) if "show_if" in page else None
    listed = _listed(f'{place}: "elements"', place, page.get("elements"))
    return Page(
        title=read_string(place, page, "title", "", MAX_TITLE_LENGTH),
        elements=tuple(_element(where, element, asked) for where, element in listed),
        show_if=condition,
    )


def _condition(place: str, condition: object, asked: dict[str, Question]) -> Condition:
    place = f'{place}, "show_if"'
    if not isinstance(condition, dict) or not {"name", "is"} <= condition.keys():
        raise InvalidInterface(f'{place}: write {{"name": "seen", "is": "yes"}}.')
    refuse_unknown_keys(place, condition, {"name", "is"})
    name = read_name(place, condition)
    outcomes = asked[name].outcomes if name in asked else ()
    if not outcomes:
        raise InvalidInterface(
            f"{place}: {name!r} must be a choice, rating or pairwise question on an earlier page."
        )
    values = condition["is"] if isinstance(condition["is"], list) else [condition["is"]]
    # True and 1.0 equal 1, but are no answers.
    known = [v for v in values if type(v) in {str, int} and v in outcomes]
    if not values or len(known) < len(values):
        some = ", ".join(repr(outcome) for outcome in outcomes[:10])
        raise InvalidInterface(f'{place}: "is" must be an answer to {name!r}, such as {some}.')
    return Condition(name, tuple(values))


def _check(asked: dict[str, Question]) -> None:
    """Check what holds between questions."""
    if not asked:
        raise InvalidInterface(
            "The interface asks nothing: add an element such as "
            '{"type": "choice", "name": "label", "options": ["cat", "dog"]}.'
        )
    if len(asked) > MAX_QUESTIONS:
        raise InvalidInterface(f"The pages ask {len(asked)} questions, of at most {MAX_QUESTIONS}.")
    options = sum(len(question.listed) for question in asked.values())
    if options > MAX_OPTIONS:
        raise InvalidInterface(f"The questions have {options} options, of at most {MAX_OPTIONS}.")
    for question in asked.values():
        if isinstance(question, Relations) and not isinstance(asked.get(question.spans), Spans):
            raise InvalidInterface(
                f'{question.name!r}: "spans" must be the name of a question of type spans.'
            )
