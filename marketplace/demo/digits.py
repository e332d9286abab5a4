"""The real input: the scans of handwritten digits that come with scikit-learn, as PNG.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository (1998); scikit-learn ships its 1,797 test scans of 8 by 8 pixels.
"""

from __future__ import annotations

import base64
import gzip
import io
import random
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

DIGITS = tuple("0123456789")
SIDE = 8  # pixels
SHOWN_SIDE = 64
INK_MAX = 16  # the darkest of a scan's seventeen shades
SHADES = " ░▒▓█"

# Which digits people take each one for, in handwriting.
LOOKALIKES = {
    "0": "69",
    "1": "74",
    "2": "73",
    "3": "859",
    "4": "91",
    "5": "36",
    "6": "50",
    "7": "12",
    "8": "39",
    "9": "48",
}


@dataclass(frozen=True)
class Scan:
    """One handwritten digit, and what it is known to be."""

    name: str
    digit: str
    ink: bytes  # row by row, 0 for paper to ``INK_MAX``

    def data_uri(self) -> str:
        """Return the scan as a PNG, dark on light and large enough to look at."""
        shades = bytes(255 - level * 255 // INK_MAX for level in self.ink)
        small = Image.frombytes("L", (SIDE, SIDE), shades)
        file = io.BytesIO()
        small.resize((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.BICUBIC).save(file, "PNG")
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    def drawing(self) -> list[str]:
        """Return the scan as lines of text, two characters a pixel."""
        rows = [self.ink[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
        darkest = len(SHADES) - 1
        return ["".join(SHADES[level * darkest // INK_MAX] * 2 for level in row) for row in rows]


def scans(count: int, *, seed: int) -> list[Scan]:
    """Return ``count`` different scans, drawn by ``seed``.

    Raises:
        ValueError: there are not that many.
    """
    drawn = random.Random(f"{seed}|scans").sample(every_scan(), count)  # noqa: S311
    return sorted(drawn, key=lambda scan: scan.name)


def every_scan() -> list[Scan]:
    """Read them all: a line has the shades of a scan and then its digit.

    The file is read where it lies, because importing scikit-learn takes three seconds.
    """
    package = find_spec("sklearn")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0])
    with gzip.open(folder / "datasets" / "data" / "digits.csv.gz", "rt", encoding="ascii") as file:
        lines = [[int(float(cell)) for cell in line.split(",")] for line in file]
    return [
        Scan(name=f"digit-{number:04}", digit=str(line[-1]), ink=bytes(line[:-1]))
        for number, line in enumerate(lines)
    ]
