from __future__ import annotations

import base64
import io
import json
from collections import Counter

from PIL import Image

from marketplace.demo.digits import DIGITS, LOOKALIKES, Scan, every_scan, scans
from marketplace.demo.plan import SCANS_MAX
from marketplace.demo.requester import INTERFACE, rows
from tasks.interface import parse

# A downstroke of full ink, then of less and less.
STROKE = Scan(name="digit-0000", digit="1", ink=bytes([0, 0, 0, 16, 8, 4, 0, 0] * 8))


def test_these_are_the_1797_scans_of_scikit_learn():
    found = every_scan()

    assert len(found) == SCANS_MAX
    assert {scan.digit for scan in found} == set(DIGITS)
    assert min(Counter(scan.digit for scan in found).values()) == 174
    assert {len(scan.ink) for scan in found} == {64}


def test_the_seed_draws_different_scans():
    drawn = scans(50, seed=1)

    assert len({scan.name for scan in drawn}) == 50
    assert drawn == scans(50, seed=1)
    assert drawn != scans(50, seed=2)


def test_a_scan_is_shown_as_a_png_dark_on_light():
    kind, _, data = STROKE.data_uri().partition(",")

    image = Image.open(io.BytesIO(base64.b64decode(data)))

    assert kind == "data:image/png;base64"
    assert (image.format, image.size, image.mode) == ("PNG", (64, 64), "L")
    assert image.getpixel((28, 32)) < 40
    assert image.getpixel((60, 32)) > 240


def test_a_scan_can_be_drawn_with_characters():
    assert STROKE.drawing() == ["      ██▒▒░░    "] * 8


def test_every_digit_has_others_that_look_like_it():
    assert set(LOOKALIKES) == set(DIGITS)
    assert all(digit not in alike for digit, alike in LOOKALIKES.items())


def test_the_upload_shows_every_image_and_tells_only_the_answers_of_gold():
    first, second = (json.loads(line) for line in rows([STROKE], [STROKE]).splitlines())

    assert set(first["input"]) == parse(INTERFACE).fields
    assert (first["external_id"], first["gold"], second["gold"]) == ("digit-0000", None, "1")
