"""A person's look at doubtful tasks: the queue, the experts, and what a decision writes."""

from __future__ import annotations
