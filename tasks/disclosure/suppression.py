"""Figures of few people are not published, nor others from which they could be computed.

Source: L. Willenborg, T. de Waal, Elements of Statistical Disclosure Control, Springer 2001,
chapter 6: primary and complementary suppression in a table with its total.
"""

from __future__ import annotations

from collections.abc import Mapping

K = 10  # people in a cell, at least


def hidden(sizes: Mapping[str, int], *, k: int = K, apart: bool = True) -> set[str]:
    """Return which groups to leave out of a table that is published with its total.

    ``sizes`` says how many people are in each group; nobody is in two of them if they are
    ``apart``. A group of nobody is shown. A group of fewer than ``k`` is not; and if those left out
    come to fewer than ``k`` together, the total minus what is shown would tell of them: then
    the next smallest go too, of equals the first by name.
    """
    if not any(0 < size < k for size in sizes.values()):
        return set()
    left_out: set[str] = set()
    together = 0
    for name, size in sorted(sizes.items(), key=lambda group: (group[1], group[0])):
        if size == 0:
            continue
        if size >= k and together >= k:
            break
        left_out.add(name)
        # Groups that share people may all be the same few.
        together = together + size if apart else max(together, size)
    return left_out
