"""``make demo``: a labelling job from publication to payment, on real scans, by a simulated crowd.

``story`` tells it from beginning to end; the other files are its parts: the scans (``digits``),
who takes part (``cast``), what the requester does (``requester``), what came of it
(``findings``), what it cost in CPU time (``cpu``) and how all of it is shown (``progress``,
``report``).
"""

from __future__ import annotations
