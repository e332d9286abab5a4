"""Models that help: what they predict, and what is made of it."""

from __future__ import annotations
