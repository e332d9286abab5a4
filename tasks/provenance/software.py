"""What this software is called, with its version, where data say what made them."""

from __future__ import annotations

SOFTWARE = "crowdwright 0.1.0"  # the version of pyproject.toml
