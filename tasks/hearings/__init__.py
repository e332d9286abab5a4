"""Refused pay and the hearing it gets: rejections, appeals, and juries of workers."""

from __future__ import annotations
