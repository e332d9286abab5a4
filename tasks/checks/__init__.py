"""What follows from a worker's record: more checks for a while, or a human's look."""

from __future__ import annotations
