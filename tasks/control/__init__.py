"""Tasks whose answer is known: gold that measures, exams that grant; training is taught by both."""

from __future__ import annotations
