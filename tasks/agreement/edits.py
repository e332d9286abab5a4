"""How many characters must change to make one text of another.

Source: H. Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances
(Nordic Journal of Computing 10, 2003). A column of the table of distances is two whole numbers,
whose bits say where the distance grows and where it falls.
"""

from __future__ import annotations

from collections import defaultdict


def edit_distance(first: str, second: str) -> int:
    """Count the characters to insert, delete or replace (Levenshtein)."""
    if not first or not second:
        return len(first) + len(second)
    places: defaultdict[str, int] = defaultdict(int)
    for place, character in enumerate(first):
        places[character] |= 1 << place
    mask, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    rises, falls, distance = mask, 0, len(first)
    for character in second:
        matches = places.get(character, 0)
        diagonal = (((matches & rises) + rises) ^ rises) | matches | falls
        across_rises = falls | (mask & ~(diagonal | rises))
        across_falls = rises & diagonal
        distance += bool(across_rises & last) - bool(across_falls & last)
        across_rises = ((across_rises << 1) | 1) & mask
        across_falls = (across_falls << 1) & mask
        rises = across_falls | (mask & ~(diagonal | across_rises))
        falls = across_rises & diagonal
    return distance


def relative_distance(first: str, second: str) -> float:
    """Return the edit distance as a share of the longer text; 0 if both are empty."""
    longer = max(len(first), len(second))
    return edit_distance(first, second) / longer if longer else 0.0
