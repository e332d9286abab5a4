"""The question ``text``: words of the worker's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tasks.interface.question import Question
from tasks.interface.reading import UNSTORABLE, Element, read_count, read_question

DEFAULT_TEXT_LENGTH = 10_000
MAX_TEXT_LENGTH = 100_000


@dataclass(frozen=True, kw_only=True)
class Text(Question):
    """Ask for free text of at most ``max_length`` characters; required means not only spaces."""

    kind: ClassVar[str] = "text"

    max_length: int

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        common = read_question(place, element, {"max_length"})
        lengths = range(1, MAX_TEXT_LENGTH + 1)
        longest = read_count(place, element, "max_length", DEFAULT_TEXT_LENGTH, lengths)
        return cls(**common, max_length=longest)

    def schema(self) -> dict[str, Any]:
        visible = {"pattern": r"\S"} if self.required else {}
        return {"type": "string", "maxLength": self.max_length, **visible}

    def allowed(self) -> str:
        some = "1" if self.required else "0"
        return (
            f"must be a text of {some} to {self.max_length} characters, without NUL or surrogates"
        )

    def canonical(self, answer: Any) -> str:
        """Return the text as it is; raises ``InvalidAnswer`` when it cannot be stored."""
        if UNSTORABLE.search(answer):
            raise self.refusal()
        return str(answer)
