"""Where every label comes from: one record per task, in a chain of hashes per closed batch.

docs/provenance.md says what a record holds, how to verify a chain, and what that proves.
"""

from __future__ import annotations

from tasks.provenance.chain import START, canonical, link
from tasks.provenance.check import Difference, Verdict, verify
from tasks.provenance.records import FORMAT
from tasks.provenance.write import RECORDED, REVIEWS_WAIT, is_recorded, record, record_due

__all__ = [
    "FORMAT",
    "RECORDED",
    "REVIEWS_WAIT",
    "START",
    "Difference",
    "Verdict",
    "canonical",
    "is_recorded",
    "link",
    "record",
    "record_due",
    "verify",
]
