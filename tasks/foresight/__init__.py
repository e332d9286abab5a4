"""What a batch will cost and yield, said before, and held against what came out."""

from __future__ import annotations
