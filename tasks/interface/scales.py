"""Questions answered by one number: ``rating`` and ``number``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Self

from tasks.errors import InvalidInterface
from tasks.interface.question import Question, between
from tasks.interface.reading import (
    MAX_NUMBER,
    MAX_OPTION_LENGTH,
    Element,
    read_count,
    read_number,
    read_question,
    read_string,
    spell,
)

MAX_LEVELS = 101  # of a rating, so that 0 to 100 is one
LEVELS = range(-1_000, 1_001)
MIN_STEP = 1e-9
# With so many steps on either side of 0, a float is a millionth of a step from what it stands for.
MAX_STEPS = 10**9
NEAR = Decimal("1e-6")  # of a step: what rounding in the worker's browser may have done


@dataclass(frozen=True, kw_only=True)
class Rating(Question):
    """Ask for a whole number from ``least`` to ``most``."""

    kind: ClassVar[str] = "rating"

    least: int
    most: int
    low: str  # what ``least`` means
    high: str

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        common = read_question(place, element, {"min", "max", "low", "high"})
        least = read_count(place, element, "min", 1, LEVELS[:-1])
        levels = range(least + 1, min(least + MAX_LEVELS, LEVELS.stop))
        return cls(
            **common,
            least=least,
            most=read_count(place, element, "max", min(least + 4, levels[-1]), levels),
            low=read_string(place, element, "low", "", MAX_OPTION_LENGTH),
            high=read_string(place, element, "high", "", MAX_OPTION_LENGTH),
        )

    @property
    def outcomes(self) -> tuple[str | int, ...]:
        return tuple(range(self.least, self.most + 1))

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def allowed(self) -> str:
        return f"must be a whole number from {between(self.least, self.most)}"

    def canonical(self, answer: Any) -> int:
        """Return the level as an integer: 3.0 is 3."""
        return int(answer)


@dataclass(frozen=True, kw_only=True)
class Number(Question):
    """Ask for a number from ``least`` to ``most``, ``step`` apart counted from ``start``."""

    kind: ClassVar[str] = "number"

    least: float
    most: float
    start: float  # where steps are counted from: the requester's ``min``, or 0
    step: float | None
    unit: str  # what is shown beside the number, such as "kg"

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        common = read_question(place, element, {"min", "max", "step", "unit"})
        step = read_number(place, element, "step", least=MIN_STEP)
        start = read_number(place, element, "min", least=-MAX_NUMBER)
        whole = step is None or (step.is_integer() and (start is None or start.is_integer()))
        far = float(MAX_NUMBER if whole or step is None else min(MAX_NUMBER, MAX_STEPS * step))
        least = read_number(place, element, "min", least=-far, most=far)
        most = read_number(place, element, "max", least=-far, most=far)
        if least is not None and most is not None and least >= most:
            raise InvalidInterface(f'{place}: "min" must be less than "max".')
        return cls(
            **common,
            least=-far if least is None else least,
            most=far if most is None else most,
            start=least or 0.0,
            step=step,
            unit=read_string(place, element, "unit", "", MAX_OPTION_LENGTH),
        )

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most}

    def allowed(self) -> str:
        steps = f" in steps of {spell(self.step)}" if self.step is not None else ""
        start = f" from {spell(self.start)}" if steps and self.start else ""
        unit = f" ({self.unit})" if self.unit else ""
        return f"must be a number from {between(self.least, self.most)}{unit}{steps}{start}"

    def canonical(self, answer: Any) -> int | float:
        """Return the nearest step, an integer if step and answer are whole, else a float.

        Raises ``InvalidAnswer`` further than a millionth of a step away from it, or not a number.
        """
        if answer != answer:  # noqa: PLR0124 - NaN is within all bounds of a schema
            raise self.refusal()
        if self._step is None:
            return float(answer) + 0.0  # -0.0 becomes 0.0
        steps = (Decimal(str(answer)) - self._start) / self._step
        exact = self._start + steps.to_integral_value() * self._step
        fits = abs(steps - steps.to_integral_value()) <= NEAR
        if not (fits and self.least <= float(exact) <= self.most):
            raise self.refusal()
        whole = self._step % 1 == 0 and exact % 1 == 0
        return int(exact) if whole else float(exact) + 0.0

    @cached_property
    def _step(self) -> Decimal | None:
        return None if self.step is None else Decimal(str(self.step))

    @cached_property
    def _start(self) -> Decimal:
        return Decimal(str(self.start))
