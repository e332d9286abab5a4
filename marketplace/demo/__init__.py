"""``make demo``: a labelling job from publication to payment, on real scans, by a simulated crowd.

``story`` tells it from beginning to end; the other files are its parts: how large it is and what
the requester asks for (``plan``), the scans (``digits``), who takes part (``cast``), what happens
(``play``, ``requester``), what came of it (``findings``, ``books``), what it cost in CPU time
(``cpu``) and how all of it is shown (``report``, ``quality``, ``layout``).
"""

from __future__ import annotations
