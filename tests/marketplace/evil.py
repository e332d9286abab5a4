"""Values that have broken somebody's server, as JSON texts and as pieces of an address.

The list is that of ``specs/security.md`` §5.3. Not all of them are JSON.
"""

from __future__ import annotations

import json
from typing import Any

NUMBERS = [
    "-1", "-0", "0", "-0.0", "1.0", "1.5", "1e2", "1e7", "1e999", "-1e999", "1e-400", "NaN", "sNaN",
    "Infinity", "-Infinity", "true", "false", "null", "1_000", "\u0663", "\uff11", "0x10", "01",
    "+1", ".5", "0.30000000000000004", "2147483648", "-2147483649", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "99999999999999999999",
    "9" * 4300, "9" * 5000, "1" + "0" * 400,
]  # fmt: skip
TEXTS = [
    "", " ", "\t\n", "1", "1_0", " 1", "1 ", "\u0663", "\uff11\uff12", "0x10", "1.0", "true", "NaN",
    "\u202eevil", "\ufeffbom", "e\u0301", "\u1100\u1161", "\U0001f469\u200d\U0001f680", "\u200b",
    "{{7*7}}", "${x}", "=cmd|'/c calc'!A1", "a\r\nSet-Cookie: x=1", "\x1b[31mred\x1b[0m", "\\", '"',
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)",
    "</script><svg/onload=alert(1)>", "' OR 1=1 --", "%00", "../../etc/passwd", "__proto__",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z",
    "2027-02-29T00:00:00Z", "2026-03-29T24:00:00Z", "2026-03-29T02:30:00", "x" * 5_001,
    "\U0001f980" * 101,
]  # fmt: skip
SHAPES = [
    "[]", "{}", "[[]]", '{"a": 1}', "[null]", "[1, 2]", '["cat"]', '{"__proto__": {"x": 1}}',
    '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', '"\\u0000"', '"a\\u0000b"', '{"\\u0000": 1}',
    '"\\ud800"', '"\\udc00\\ud800"', '["\\udfff"]', '{"\\ud800": 1}', '"\0"', '"\n"', "'a'",
    "[" * 98 + "]" * 98, "[" * 101 + "]" * 101, "[1, 2",
]  # fmt: skip
LITERALS = [*NUMBERS, *(json.dumps(text) for text in TEXTS), *SHAPES]
# Each of these takes a while to look at, so they meet one field of each route.
HEAVY = [
    "[" * 5_000 + "]" * 5_000, "[" * 100_000 + "]" * 100_000, "[" * 100_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000, '"' + "x" * (1 << 20) + '"',
    json.dumps("x" * 1_000_000), json.dumps("e" + "\u0301" * 150_000),
    json.dumps(dict.fromkeys(map(str, range(20_000)))),
]  # fmt: skip

# Whole bodies; of these only the first three may be taken for an absent one.
BODIES = [
    b"", b"{}", b'{"unknown": 1}', b"[]", b"[[]]", b"null", b"true", b"0", b"5", b'""', b'"text"',
    b"{", b"}", b"{}{}", b"{} []", b"{'a': 1}", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\0",
    "{}".encode("utf-16"), "{}".encode("utf-32"), b'{"a": "\xed\xa0\x80"}', b"[" * 20_000,
    b"<xml/>", b"a=1&b=2", b"NaN", b"// comment\n{}",
]  # fmt: skip
QUERIES = [
    "", "0", "-1", "1.0", "1_0", "%20", "%00", "%FF", "%D9%A3", "1e5", "9223372036854775808",
    "9" * 5000, "[]", "null", "true", "'", "a%0d%0ab", "%F0%9F%A6%80", "&&&", "cD1hYmM%3D", "..",
]  # fmt: skip
IDS = [
    "-1", "0", "9223372036854775808", "9" * 19, "9" * 5000, "1'", "1.0", "1e1", "%00", "1%00",
    "%20" + "1", "1%0a", "%D9%A3", "%EF%BC%91", "1_0", "true", "null", "[1]", "..%2f1", "%2e%2e",
    "0x1", "*", "1;2", "1,2", "6f1c2f8e-2f4b-4a9e-8f5b-1b2c3d4e5f60", "%F0%9F%A6%80", "%C0%80",
]  # fmt: skip


def value_of(literal: str) -> Any:
    """What a JSON text says, or ``NOT_JSON``."""
    try:
        return json.loads(literal)
    except (ValueError, RecursionError):
        return NOT_JSON


class _NotJson:
    def __repr__(self) -> str:
        return "NOT_JSON"


NOT_JSON = _NotJson()


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: numbers by value, but true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
