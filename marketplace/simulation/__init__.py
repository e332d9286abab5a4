"""A simulated crowd that works over the REST API, as people would: claim, think, submit.

``crowd`` says who its workers are and what they answer; it is pure. ``client`` speaks HTTP, and
``run`` lets the workers loose on a batch. Nobody here is a person, and whatever is printed about
this crowd calls it simulated.
"""

from __future__ import annotations
